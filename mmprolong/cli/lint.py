"""`mmprolong lint-benchmark`: defects of a benchmark's questions, before a model is asked."""

from pathlib import Path

import click
import yaml

from mmprolong.cli.arguments import json_output
from mmprolong.cli.terminal import Terminal, print_json, rejects_table


@click.command("lint-benchmark")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--scorer", default="", help="Compares golds with themselves; by default the benchmark's own.")
@click.option("--pages", default=120, show_default=True, type=click.IntRange(1), help="Pages shown of a document.")
@click.option("--benchmark", default="", help="Reads PATH as its data root: a name, or {name: NAME, OPTION: VALUE}.")
@json_output
def lint_benchmark(path: Path, scorer: str, pages: int, benchmark: str, as_json: bool) -> int:
    """Find defects in the questions of PATH, a benchmark's file or folder; 1 if there are any.

    Without --benchmark, files of MMLongBench-Doc (V1, V2), MMLongBench's documentQA, LongDocURL, and samples of ours
    are known by their fields. With it, PATH is the folder in which the data sets lie, and the questions of any
    benchmark are checked as its reader gives them; --pages is then an option of the benchmark.
    """
    if benchmark:
        from mmprolong.evaluation.lint_samples import lint_benchmark as lint_data_set

        count, found = lint_data_set(yaml.safe_load(benchmark), path, scorer)
    else:
        from mmprolong.evaluation.lint import lint

        count, found = lint(path, scorer, pages)
    if as_json:
        print_json({"questions": count, "defects": found})
    else:
        console = Terminal()
        console.print(rejects_table(found, "defects"))
        struck = len({reject.what for reject in found})
        console.say(f"{count} questions, {struck} with a defect; all of them with --json")
    return int(bool(found))

"""`mmprolong compare`, `mmprolong judges`: results of any harness item by item, and verdicts of several judges."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmprolong.cli.arguments import json_output
from mmprolong.cli.terminal import Terminal, print_json

if TYPE_CHECKING:
    from mmprolong.reporting.tables.model import Table


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--metric", default="", help="Mark that is compared, in [0, 1]; by default the harness's first.")
@click.option("--cluster", default="", help="Field of the items that names their document; by default one we know.")
@click.option("--by-cell", is_flag=True, help="Compare every task and length, too.")
@json_output
def compare(runs: tuple[Path, ...], metric: str, cluster: str, by_cell: bool, as_json: bool) -> None:
    """Compare results of other harnesses, or ours, with the first of RUNS, item by item.

    Each of RUNS is a file of MMLongBench, VLMEvalKit, lm-eval, lmms-eval or inspect_ai, or a folder with some; a score
    step of ours is such a folder.
    """
    from mmprolong.evaluation.judged_files import read_judged
    from mmprolong.reporting.tables.compared_files import compare_files, compared_table

    if len(runs) < 2:
        raise click.UsageError("with what? give two runs or more")
    judged = [read_judged(path, metric, cluster) for path in runs]
    _show(compared_table(judged, compare_files(judged, by_cell)), as_json)


@click.command()
@click.argument("scored", type=click.Path(path_type=Path))
@click.option("--labels", type=click.Path(path_type=Path), help="Human marks: JSON lines of `sample` and `value`.")
@json_output
def judges(scored: Path, labels: Path | None, as_json: bool) -> None:
    """Compare the judges of SCORED, a score step's folder, and correct their scores by human labels."""
    from mmprolong.records import Score
    from mmprolong.reporting.tables.judges import judges_table, read_labels
    from mmprolong.store.jsonl import read_jsonl

    scores = list(read_jsonl(scored / "scores.jsonl" if scored.is_dir() else scored, Score))
    _show(judges_table(scores, read_labels(labels, scores) if labels else {}), as_json)


def _show(made: "Table", as_json: bool) -> None:
    from mmprolong.reporting.tables.render import print_table, to_json

    if as_json:
        print_json(to_json(made))
    else:
        print_table(Terminal(), made)

"""The commands and their arguments."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmprolong import __version__
from mmprolong.cli import completion, explain, export_data, files, jobs, report, show, stages, status, sweep
from mmprolong.config.groups import CONFIG_DIR, OPTION
from mmprolong.errors import ConfigError, nearest

Argument = tuple[tuple[str, ...], dict[str, Any]]
"""Names and keywords of one word or option, as argparse takes them."""


class Command(NamedTuple):
    """One command."""

    run: Callable[[argparse.Namespace], int | None]
    """Its docstring is the command's help."""
    arguments: Sequence[Argument] = ()


def _argument(*names: str, **how: Any) -> Argument:
    return names, how


_CONFIG_DIR = _argument(
    OPTION,
    metavar="DIR",
    default="",
    help=f"folder of your own conf/, sweeps/ and analysis/, added to ours (default: ${CONFIG_DIR})",
)
_STORE = _argument("--store", default="store", help="folder of finished steps (default: store)")
_STORED = (_STORE, _CONFIG_DIR)
_ABLATION = _argument("ablation")
_VALUES = _argument("overrides", nargs="*", help="group=choice, key=value; without +ablation")
_PHASE = _argument("--phase", default="longpt", help="phase of the training (default: longpt)")
_FROM = "offline (W&B's files in the store), ENTITY/PROJECT of W&B, or a snapshot's file (default: the store)"
_LOGS = "steps whose label or stage/id contains this (without it those that failed or run)"
_JOBS = "only of points whose label/s<seed>, or else of steps whose stage/id, contains this"
_POINT = "a step's id, or ABLATION/ARM[/SEED]"

COMMANDS = {
    "sweep": Command(
        sweep.run,
        (
            _argument("overrides", nargs="*", help="+ablation=NAME, group=choice, key=value"),
            _argument("--dry-run", action="store_true", help="print the plan and stop"),
            _argument("--prune", action="store_true", help="cancel jobs of points that are no longer in the file"),
            _CONFIG_DIR,
        ),
    ),
    "status": Command(
        status.status,
        (
            _argument("ablation", nargs="?", help="one ablation; without it all that were launched from the store"),
            _argument("--watch", action="store_true", help="keep looking until all is finished; Ctrl-C ends it"),
            *_STORED,
        ),
    ),
    "report": Command(
        report.report,
        (
            _argument("ablation", nargs="?", help="an ablation or a table of the papers; none: list them"),
            _argument("--table", help="show the ablation's runs in this table of the papers"),
            _argument("--from", dest="source", help=f"where results are read: {_FROM}"),
            _argument("--snapshot", metavar="FILE", help=f"write all results into one file ({report.SNAPSHOT})"),
            _argument("--wandb", metavar="ENTITY/PROJECT", help="save the report in W&B, too"),
            *_STORED,
        ),
    ),
    "claims": Command(
        report.claims,
        (_argument("claims", nargs="*", help="names of claims, in full; none: a table of all"), *_STORED),
    ),
    "power": Command(report.power, (_ABLATION, *_STORED)),
    "logs": Command(
        jobs.logs,
        (
            _ABLATION,
            _argument("match", nargs="?", default="", help=_LOGS),
            _argument("-n", "--lines", type=int, default=10, help="last lines to show of each (default: 10)"),
            *_STORED,
        ),
    ),
    "rescore": Command(
        files.rescore,
        (
            _argument("--scorer", required=True, metavar="NAME", help="a scorer's name, such as mmlongbench_doc"),
            _argument("--in", required=True, type=Path, dest="source", metavar="FILE", help="replies to score"),
            _argument("--out", required=True, type=Path, metavar="FILE", help="the same lines with their scores"),
        ),
    ),
    "retry": Command(
        jobs.retry,
        (
            _ABLATION,
            _argument("overrides", nargs="*", help="such as cluster.jobs.training.minutes=600"),
            *_STORED,
        ),
    ),
    "cancel": Command(jobs.cancel, (_ABLATION, _argument("match", nargs="?", default="", help=_JOBS), *_STORED)),
    "list": Command(status.choices, (_CONFIG_DIR,)),
    "corpus": Command(stages.corpus, (_VALUES, _CONFIG_DIR)),
    "synthesis": Command(
        stages.synthesis,
        (
            _VALUES,
            _PHASE,
            _argument("--suite", action="store_true", help="what the suite asks about, not what a phase reads"),
            _CONFIG_DIR,
        ),
    ),
    "mixture": Command(stages.mixture, (_VALUES, _PHASE, _CONFIG_DIR)),
    "show": Command(
        show.run,
        (
            _argument("what", metavar="STEP_OR_ABLATION", help="a step's id, or ABLATION[/ARM[/SEED]]"),
            _argument("-n", type=int, default=20, help="how many (default: 20)"),
            _argument("--task", help="of this task only"),
            _argument("--seed", type=int, default=0, help="which sample is drawn (default: 0)"),
            *_STORED,
        ),
    ),
    "diff": Command(
        explain.diff,
        (_argument("a", metavar="A", help=_POINT), _argument("b", metavar="B", help=_POINT), *_STORED),
    ),
    "why": Command(explain.why, (_argument("step", help="a step's id, its beginning, or its hash"), *_STORED)),
    "export-data": Command(
        export_data.run,
        (
            _argument("step", metavar="STEP_OR_ABLATION", help="a mixture's id, or ABLATION[/ARM[/SEED]]"),
            _argument("--format", required=True, choices=export_data.formats(), help="the trainer"),
            _argument("--out", required=True, type=Path, metavar="FOLDER", help="empty, or of the same export before"),
            _argument("--model", default="", help="folder or hub name of the model (default: as planned)"),
            *_STORED,
        ),
    ),
    "fetch": Command(
        files.fetch,
        (_argument("folder", type=Path, help="where the PDFs are put; it is created if it is not there"),),
    ),
    "sync": Command(
        files.sync,
        (
            _argument("--entity", default="", help="of W&B; by default the owner of the key"),
            _argument("--project", default="", help="of W&B; by default as each run says"),
            _STORE,
        ),
    ),
    "completion": Command(completion.script, (_argument("shell", choices=sorted(completion.SCRIPTS)),)),
}
_COMPLETE = "complete"
"""What the shells' scripts call; help does not show it."""
_WORDS = _argument("words", nargs="*", help="the words after `mmprolong`; the last one is completed")
_EXAMPLES = """examples:
  python -m mmprolong.sweep +ablation=length_dist            run an ablation and print its table
  python -m mmprolong.sweep +ablation=rope_base --dry-run    show the plan and stop
  python -m mmprolong.sweep +ablation=length_dist cluster=slurm_cpu cluster.account=NAME
  mmprolong report length_dist                               the table again, and the HTML report
"""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of one command, with its function `run`. Overrides and options may come in any order.

    Raises:
        ConfigError: there is no such command.
    """
    if words and not words[0].startswith("-") and words[0] not in {*COMMANDS, _COMPLETE}:
        raise ConfigError(f"command: {words[0]!r} is unknown; {nearest(words[0], COMMANDS)}")
    built = _parser()
    arguments, rest = built.parse_known_args(words)
    unknown = [word for word in rest if word.startswith("-")]
    if unknown or (rest and "overrides" not in arguments):
        near = f"; {nearest(unknown[0], completion.options(arguments.command))}" if unknown else ""
        built.error(f"unrecognized arguments: {' '.join(unknown or rest)}{near}")
    if rest:
        arguments.overrides = [*arguments.overrides, *rest]
    return arguments


def _parser() -> argparse.ArgumentParser:
    built = argparse.ArgumentParser(
        prog="mmprolong",
        description="Ablation sweeps for long-context training of vision-language models on documents.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    built.add_argument("--version", action="version", version=__version__)
    built.set_defaults(config_dir="")
    commands = built.add_subparsers(metavar="command", dest="command", required=True)
    for name, command in {**COMMANDS, _COMPLETE: Command(completion.complete, (_WORDS,))}.items():
        about = (command.run.__doc__ or "").splitlines()[0]
        shown: dict[str, Any] = {} if name == _COMPLETE else {"help": about}
        parser = commands.add_parser(name, description=about, allow_abbrev=False, **shown)
        for names, how in command.arguments:
            parser.add_argument(*names, **how)
        parser.set_defaults(run=command.run)
    return built

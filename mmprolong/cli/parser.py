"""Which commands there are, and what the user asked for."""

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mmprolong import __version__
from mmprolong.cli import completion, explain, files, jobs, report, show, stages, status, sweep
from mmprolong.config.groups import CONFIG_DIR, OPTION
from mmprolong.errors import ConfigError, nearest


class Command(NamedTuple):
    """One command."""

    run: Callable[[argparse.Namespace], int | None]
    """Its docstring is the command's help."""
    arguments: Callable[[argparse.ArgumentParser], None]
    own_files: bool = True
    """It reads files that a user can add to."""


COMMANDS = {
    "sweep": Command(sweep.run, sweep.arguments),
    "status": Command(status.status, status.status_arguments),
    "report": Command(report.report, report.report_arguments),
    "claims": Command(report.claims, report.claims_arguments),
    "power": Command(report.power, report.power_arguments),
    "logs": Command(jobs.logs, jobs.logs_arguments),
    "rescore": Command(files.rescore, files.rescore_arguments, own_files=False),
    "retry": Command(jobs.retry, jobs.retry_arguments),
    "cancel": Command(jobs.cancel, jobs.cancel_arguments),
    "list": Command(status.choices, status.choices_arguments),
    "corpus": Command(stages.corpus, stages.corpus_arguments),
    "synthesis": Command(stages.synthesis, stages.synthesis_arguments),
    "mixture": Command(stages.mixture, stages.mixture_arguments),
    "show": Command(show.run, show.arguments),
    "diff": Command(explain.diff, explain.diff_arguments),
    "why": Command(explain.why, explain.why_arguments),
    "fetch": Command(files.fetch, files.fetch_arguments, own_files=False),
    "sync": Command(files.sync, files.sync_arguments, own_files=False),
    "completion": Command(completion.script, completion.script_arguments, own_files=False),
}
HIDDEN = {completion.COMPLETE: Command(completion.complete, completion.complete_arguments, own_files=False)}
"""What the shells' scripts call."""
_EXAMPLES = """examples:
  python -m mmprolong.sweep +ablation=length_dist            run an ablation and print its table
  python -m mmprolong.sweep +ablation=rope_base --dry-run    show the plan and stop
  mmprolong status length_dist --watch                       the state of every run
  python -m mmprolong.sweep +ablation=length_dist cluster=slurm_cpu cluster.account=NAME
  mmprolong retry length_dist                                on a cluster: submit what failed again
  mmprolong report length_dist                               the table again, and the HTML report
  mmprolong claims                                           what the papers claim, and what supports it
  mmprolong power length_dist                                the smallest difference that it can see
  mmprolong corpus corpus.path=PDFS                          what can be read of a folder, and what was refused
  mmprolong show length_dist -n 5                            examples that an arm is trained on
  mmprolong diff length_dist/uniform length_dist/base        why two runs differ
"""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of one command; `run` does it. Overrides and options may come in any order.

    Raises:
        ConfigError: there is no such command.
    """
    if words and not words[0].startswith("-") and words[0] not in {*COMMANDS, *HIDDEN}:
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


def add_arguments(parser: argparse.ArgumentParser, command: Command) -> None:
    """Add all that a command can be told."""
    command.arguments(parser)
    parser.set_defaults(run=command.run)
    if command.own_files:
        own = f"folder of your own conf/, sweeps/ and analysis/, added to ours (default: ${CONFIG_DIR})"
        parser.add_argument(OPTION, metavar="DIR", default="", help=own)


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
    for name, command in COMMANDS.items():
        about = (command.run.__doc__ or "").splitlines()[0]
        add_arguments(commands.add_parser(name, help=about, description=about, allow_abbrev=False), command)
    for name, command in HIDDEN.items():
        add_arguments(commands.add_parser(name, allow_abbrev=False), command)
    return built

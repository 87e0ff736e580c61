"""What the user asked for."""

import argparse
from collections.abc import Sequence

from mmprolong import __version__
from mmprolong.cli import complete
from mmprolong.cli.commands import COMMANDS, add_arguments
from mmprolong.errors import ConfigError, nearest

_EXAMPLES = """examples:
  python -m mmprolong.sweep +ablation=length_dist            run an ablation and print its table
  python -m mmprolong.sweep +ablation=rope_base --dry-run    show the plan and stop
  mmprolong status length_dist --watch                       where every point stands
  python -m mmprolong.sweep +ablation=length_dist cluster=slurm_cpu cluster.account=NAME
  mmprolong retry length_dist                                on a cluster: submit what failed again
  mmprolong report length_dist                               the table again, and the HTML report
  mmprolong claims                                           what the papers claim, and what supports it
  mmprolong power length_dist                                the smallest difference that it can see
  mmprolong corpus corpus.path=PDFS                          what can be read of a folder, and what was refused
  mmprolong show length_dist -n 5                            instances that an arm is trained on
  mmprolong diff length_dist/uniform length_dist/base        why two points differ
"""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The arguments of one command; `run` is what does it. Overrides and options may come in any order.

    Raises:
        ConfigError: there is no such command.
    """
    if words and not words[0].startswith("-") and words[0] not in {*COMMANDS, complete.NAME}:
        raise ConfigError(f"command: {words[0]!r} is unknown; {nearest(words[0], COMMANDS)}")
    built = parser()
    arguments, rest = built.parse_known_args(words)
    unknown = [word for word in rest if word.startswith("-")]
    if unknown or (rest and "overrides" not in arguments):
        known = [one for one in complete.options(arguments.command) if one.startswith("--")] if unknown else []
        near = f"; {nearest(unknown[0], known)}" if known else ""
        built.error(f"unrecognized arguments: {' '.join(unknown or rest)}{near}")
    if rest:
        arguments.overrides = [*arguments.overrides, *rest]
    return arguments


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
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
    for name, module in COMMANDS.items():
        about = (module.run.__doc__ or "").splitlines()[0]
        add_arguments(commands.add_parser(name, help=about, description=about, allow_abbrev=False), module)
    hidden = commands.add_parser(complete.NAME, allow_abbrev=False)
    complete.arguments(hidden)
    hidden.set_defaults(run=complete.run)
    return built

"""The command line. A user's error is one line and exit code 1; anything else is a bug and shows its traceback."""

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import click

from mmprolong import __version__
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import MMProLongError, out_of_space


@click.group(
    epilog="""\b
Examples:
  python -m mmprolong.sweep +ablation=length_dist            run an ablation and print its table
  python -m mmprolong.sweep +ablation=rope_base --dry-run    show the plan and stop
  python -m mmprolong.sweep +ablation=length_dist cluster=slurm_cpu cluster.account=NAME
  mmprolong report length_dist                               the table again, and the HTML report""",
)
@click.version_option(__version__, message="%(version)s")
def commands() -> None:
    """Ablation sweeps for long-context training of vision-language models on documents."""


for _file in pkgutil.iter_modules(__path__):
    for _command in vars(importlib.import_module(f"{__name__}.{_file.name}")).values() if _file.name[0] != "_" else ():
        if isinstance(_command, click.Command):
            commands.add_command(_command)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    says = Terminal(stderr=True)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an encoding that lacks a letter ends no command
    try:
        return commands.main(words, "mmprolong", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        says.say("interrupted; what is finished stays, and the same command goes on from here", "yellow")
        return 130  # as shells have it
    except MMProLongError as error:
        says.say(f"error: {error}", "red")
    except OSError as error:
        says.say(f"error: {out_of_space(error, error.filename or 'output') or error}", "red")
    return 1

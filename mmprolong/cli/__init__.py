"""The command line. A user's error is one line and exit code 1; anything else is a bug and shows its traceback."""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from mmprolong.cli.parser import parse
from mmprolong.cli.terminal import Terminal
from mmprolong.config.groups import config_dir
from mmprolong.errors import MMProLongError, out_of_space

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")  # None where it is closed
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an encoding that lacks a letter ends no command
    try:
        arguments = parse(sys.argv[1:] if words is None else words)
        with config_dir(arguments.config_dir):
            code = arguments.run(arguments) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _drop_output()
    except MMProLongError as error:
        _say(f"error: {error}", "red")
    except OSError as error:
        _say(f"error: {out_of_space(error, error.filename or 'output') or error}", "red")
    except KeyboardInterrupt:
        _say("interrupted; what is finished stays, and the same command goes on from here", "yellow")
        return INTERRUPTED
    return 1


def _say(text: str, style: str) -> None:
    Terminal(stderr=True).print(text, style=style, soft_wrap=True)


def _drop_output() -> None:
    """Discard all further output, since its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""The terminal as every command writes to it: what comes from outside is shown as it is, and never obeyed."""

import codecs
import io
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from mmprolong.errors import out_of_space

_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_VISIBLE = {**_PICTURES, 0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD)}
"""What stands for a control character: one character each, so that styles keep their places."""


_PLAIN = dict(zip("−–≈×Δ±†‡·█\u00a0", "--~xd/+^.# ", strict=True))
"""What stands for a letter that the terminal's encoding lacks: one character each; any other is `?`."""


def visible(text: str) -> str:
    """`text` with pictures (`␛`) for control characters, but for tab and end of line; `Text` itself drops some."""
    return text.translate(_VISIBLE)


class Terminal(Console):
    """Brackets are no markup, `:fire:` is no emoji, and no control character reaches the terminal from any text."""

    def __init__(self, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """A string as styled text."""
        return super().render_str(visible(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Whatever is printed, and each of its parts."""
        return super().render(_shown(renderable) if isinstance(renderable, Text) else renderable, options)


def _shown(text: Text) -> Text:
    shown = text.copy()
    shown.plain = visible(text.plain)
    return shown


def print_written(console: Terminal, what: str, write: Callable[[], Path]) -> None:
    """Write, and say where; what was printed stands without its files, so that a refusal is one line on stderr."""
    try:
        path = write()
    except OSError as error:
        where = error.filename or what
        reason = out_of_space(error, where) or f"{where}: {error.strerror or error}"
        Terminal(stderr=True).print(f"{what} not written: {reason}", style="yellow", soft_wrap=True)
    else:
        console.print(f"{what}: {path}", soft_wrap=True)


def print_in_any_encoding() -> None:
    """Print something for every letter, whatever the encoding of stdout; stderr has Python's escapes for them."""
    codecs.register_error("mmprolong", _plain)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="mmprolong")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(letter, "?") for letter in error.object[error.start : error.end]), error.end

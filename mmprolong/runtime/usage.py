"""Time and code of a step, over all attempts that its result stands on."""

import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from mmprolong.store.atomic import read_json, write_json

NOTES = "attempts"
"""Folder in a step's scratch of what is known of its attempts: nothing that a step goes on from."""


class Usage(NamedTuple):
    """Time that was taken."""

    seconds: float = 0.0
    """Wall time [s]."""
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Note:
    """What one attempt has taken so far, and what code it uses."""

    usage: Usage
    code: dict[str, str]


class Attempt:
    """One attempt at a step: counts from now on, after the attempts before it if they left something to go on from.

    An attempt that was killed counts up to its last `note`. Each has a file of its own, since those that share the
    parts of a step run at once.

    Args:
        scratch: of the step; the notes lie there.
        code: digests of the files that this attempt uses.
        shares: it runs some parts only, and counts nothing but itself.
    """

    def __init__(self, scratch: Path, code: Mapping[str, str], shares: bool = False) -> None:
        notes = scratch / NOTES
        notes.mkdir(parents=True, exist_ok=True)
        before = [] if shares else sorted(notes.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        if all(path == notes for path in scratch.iterdir()):
            while before:
                before.pop().unlink(missing_ok=True)
        self._before = [msgspec.convert(read_json(path), _Note) for path in before]
        self._path = notes / f"{socket.gethostname()}-{secrets.token_hex(4)}.json"
        self._code = dict(code)
        self._wall, self._cpu = time.monotonic(), time.process_time()
        self._elsewhere = 0.0
        self.note()

    def add_cpu(self, seconds: float) -> None:
        """Count the CPU time of other processes that work for the step [s]."""
        self._elsewhere += seconds

    @property
    def code(self) -> dict[str, str]:
        """Digests of all attempts: 'one+other' of a file that was edited between them."""
        found: dict[str, str] = {}
        for name, digest in (pair for note in (*self._before, self._own) for pair in note.code.items()):
            found[name] = "+".join(dict.fromkeys([*(found[name].split("+") if name in found else []), digest]))
        return found

    @property
    def usage(self) -> Usage:
        """Time taken until now."""
        notes = [*self._before, self._own]
        return Usage(sum(note.usage.seconds for note in notes), sum(note.usage.cpu_seconds for note in notes))

    def note(self) -> None:
        """Keep usage and code for the attempt that goes on after this one.

        Raises:
            DiskFull: they cannot be written.
        """
        write_json(self._path, self._own)

    @property
    def _own(self) -> _Note:
        cpu = time.process_time() - self._cpu + self._elsewhere
        return _Note(Usage(time.monotonic() - self._wall, cpu), self._code)

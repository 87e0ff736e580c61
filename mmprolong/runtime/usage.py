"""Time and code of a step, over all attempts that its result stands on."""

import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mmprolong.store.atomic import read_json, write_json

NOTES = "attempts"
"""Folder in a step's scratch with the usage of its attempts; a step does not resume from it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Time and code of the attempts at a step."""

    seconds: float = 0.0
    """Wall time [s]."""
    cpu_seconds: float = 0.0
    code: dict[str, str] = field(default_factory=dict)
    """Digests of source files by name: 'one+other' of a file that was edited between attempts."""


class Attempt:
    """One attempt at a step: counts from now on, after the attempts before it if they left something to continue from.

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
        self._before = [msgspec.convert(read_json(path), Usage) for path in before]
        self._path = notes / f"{socket.gethostname()}-{secrets.token_hex(4)}.json"
        self._code = dict(code)
        self._wall, self._cpu = time.monotonic(), time.process_time()
        self.note()

    def add_cpu(self, seconds: float) -> None:
        """Count the CPU time of other processes that work for the step [s]."""
        self._cpu -= seconds

    @property
    def usage(self) -> Usage:
        """Time taken until now, and code used."""
        attempts = [*self._before, self._own]
        code: dict[str, str] = {}
        for name, digest in (pair for each in attempts for pair in each.code.items()):
            code[name] = "+".join(dict.fromkeys([*(code[name].split("+") if name in code else []), digest]))
        seconds, cpu_seconds = (sum(getattr(each, name) for each in attempts) for name in ("seconds", "cpu_seconds"))
        return Usage(seconds, cpu_seconds, code)

    def note(self) -> None:
        """Keep the usage for the attempt that continues this one.

        Raises:
            DiskFull: it cannot be written.
        """
        write_json(self._path, self._own)

    @property
    def _own(self) -> Usage:
        return Usage(time.monotonic() - self._wall, time.process_time() - self._cpu, self._code)

"""Time and code of a step, over all attempts that its result stands on."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from mmprolong.store.atomic import read_json, write_json


@dataclass(frozen=True, slots=True)
class Usage:
    """Time and code of the attempts at a step."""

    seconds: float = 0.0
    """Wall time [s]."""
    cpu_seconds: float = 0.0
    code: dict[str, str] = field(default_factory=dict)
    """Digests of source files by name: 'one+other' of a file that was edited between attempts."""


class Attempt:
    """One attempt at a step: counts from now on, after the attempts before it if they left something to go on from.

    An attempt that was killed counts up to its last `note`.

    Args:
        scratch: of the step; the note lies there.
        code: digests of the files that this attempt uses.
    """

    def __init__(self, scratch: Path, code: Mapping[str, str]) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._path = scratch / "attempts.json"
        resumed = self._path.exists() and any(path != self._path for path in scratch.iterdir())
        before = msgspec.convert(read_json(self._path), Usage) if resumed else Usage()
        used = before.code | {name: _joined(before.code.get(name), digest) for name, digest in code.items()}
        self._before = replace(before, code=used)
        self._wall, self._cpu = time.monotonic(), time.process_time()
        self.note()

    def add_cpu(self, seconds: float) -> None:
        """Count the CPU time of other processes that work for the step [s]."""
        self._cpu -= seconds

    @property
    def usage(self) -> Usage:
        """Time taken until now, and code used."""
        return replace(
            self._before,
            seconds=self._before.seconds + time.monotonic() - self._wall,
            cpu_seconds=self._before.cpu_seconds + time.process_time() - self._cpu,
        )

    def note(self) -> None:
        """Keep the usage for the attempt that goes on after this one.

        Raises:
            DiskFull: it cannot be written.
        """
        write_json(self._path, self.usage)


def _joined(before: str | None, digest: str) -> str:
    return "+".join(dict.fromkeys([*(before.split("+") if before else []), digest]))

"""Time and code of a step, over all attempts that its result stands on."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mmprolong.store.atomic import read_json, write_json

_ATTEMPTS = "attempts.json"


@dataclass(frozen=True, slots=True)
class Usage:
    """Time that was taken."""

    seconds: float = 0.0
    """Wall time [s]."""
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Before:
    """The attempts before this one."""

    usage: Usage = field(default_factory=Usage)
    code: dict[str, str] = field(default_factory=dict)


class Attempt:
    """One attempt at a step: counts from now on, after the attempts before it if they left something to go on from.

    An attempt that was killed counts up to its last `note`.

    Args:
        scratch: of the step; its notes lie there.
        code: digests of the files that this attempt uses.
    """

    def __init__(self, scratch: Path, code: Mapping[str, str]) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._path = scratch / _ATTEMPTS
        resumed = any(path != self._path for path in scratch.iterdir())
        before = msgspec.convert(read_json(self._path), _Before) if resumed and self._path.exists() else _Before()
        self.code = before.code | {name: _joined(before.code.get(name), digest) for name, digest in code.items()}
        """Digests of all attempts: 'one+other' of a file that was edited between them."""
        self._usage = before.usage
        self._wall, self._cpu = time.monotonic(), time.process_time()
        self._elsewhere = 0.0
        self.note()

    def add_cpu(self, seconds: float) -> None:
        """Count the CPU time of other processes that work for the step [s]."""
        self._elsewhere += seconds

    @property
    def usage(self) -> Usage:
        """Time taken until now."""
        return Usage(
            seconds=self._usage.seconds + time.monotonic() - self._wall,
            cpu_seconds=self._usage.cpu_seconds + time.process_time() - self._cpu + self._elsewhere,
        )

    def note(self) -> None:
        """Keep usage and code for the attempt that goes on after this one.

        Raises:
            DiskFull: they cannot be written.
        """
        write_json(self._path, _Before(self.usage, self.code))


def _joined(before: str | None, digest: str) -> str:
    return "+".join(dict.fromkeys([*(before.split("+") if before else []), digest]))

"""What a step has taken, in all attempts that its result stands on."""

import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mmprolong.store.store import SPENT, goes_on, read_json, write_json


@dataclass(frozen=True, slots=True)
class Spent:
    """Time that was taken."""

    seconds: float = 0.0
    """Wall time [s]."""
    cpu_seconds: float = 0.0


class Meter:
    """Counts from now on, after what the attempts took that the step in `folder` goes on from.

    An attempt that was killed counts up to its last `note`; one that left nothing to go on from does not count.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / SPENT
        if not goes_on(folder):
            self._path.unlink(missing_ok=True)
        self._before = msgspec.convert(read_json(self._path), type=Spent) if self._path.exists() else Spent()
        self._wall, self._cpu = time.monotonic(), time.process_time()
        self._elsewhere = 0.0

    def elsewhere(self, cpu_seconds: float) -> None:
        """Count the CPU time of other processes that work for the step [s]."""
        self._elsewhere += cpu_seconds

    @property
    def spent(self) -> Spent:
        """Until now."""
        return Spent(
            seconds=self._before.seconds + time.monotonic() - self._wall,
            cpu_seconds=self._before.cpu_seconds + time.process_time() - self._cpu + self._elsewhere,
        )

    def note(self) -> None:
        """Keep what is spent for the attempt that goes on after this one.

        Raises:
            DiskFull: it cannot be written.
        """
        write_json(self._path, self.spent)

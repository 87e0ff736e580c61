"""Kills for want of memory, as the kernel counts them."""

from collections.abc import Iterator
from pathlib import Path

_PROCESS = Path("/proc/self/cgroup")
_MACHINE = Path("/proc/vmstat")
_MOUNT = Path("/sys/fs/cgroup")


def out_of_memory_kills() -> int:
    """Return how many processes the kernel has killed for want of memory.

    In the control group of this process, or if that is not counted on this machine; 0 where nothing is counted.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst (`memory.events`), cgroup-v1/memory.rst (`oom_control`).
    """
    counts = (_count(path) for path in [*_groups(), _MACHINE])
    return next((count for count in counts if count is not None), 0)


def _groups() -> Iterator[Path]:
    """Yield the files of the control group that may hold the count; in a container the group is the mounted root."""
    for line in _lines(_PROCESS):
        _, controllers, group = line.split(":", 2)
        for folder in (group.lstrip("/"), ""):
            if not controllers:
                yield _MOUNT / folder / "memory.events"
            elif "memory" in controllers.split(","):
                yield _MOUNT / "memory" / folder / "memory.oom_control"


def _count(path: Path) -> int | None:
    """Return the number after `oom_kill` in a file of one name and number a line; None if it has none."""
    pairs = (line.split() for line in _lines(path))
    return next((int(pair[1]) for pair in pairs if pair[:1] == ["oom_kill"] and len(pair) == 2), None)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []

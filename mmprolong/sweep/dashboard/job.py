"""The page from the disk alone: as a launch on Slurm leaves it, and as its jobs write it at their start and end."""

import time
from collections.abc import Callable

from mmprolong.pipeline.plan import Plan
from mmprolong.store.store import Store
from mmprolong.sweep.commands import command
from mmprolong.sweep.dashboard.write import Dashboard
from mmprolong.sweep.disk import standings_on_disk

_SECONDS = 60.0
"""Age of the page at which a job that runs writes it anew [s]; all jobs of a sweep together write that often."""
_PATIENCE = 10.0
"""A job that begins or ends waits so long for another that writes [s]."""


def write_from_disk(store: Store, plan: Plan, patience: float = _PATIENCE) -> str:
    """Write the page of a sweep on Slurm without asking Slurm; returns what went wrong, if anything did."""
    asks = command(store, "status", plan.ablation, config_dir=plan.config_dir)
    source = (
        "As the disk says: jobs write this page when they begin and end, and about once a minute between. "
        f"`{asks}` also asks Slurm."
    )
    dashboard = Dashboard(store, plan)
    dashboard.publish(lambda: standings_on_disk(store, plan), source, patience)
    return dashboard.trouble


class ShownByJob:
    """Keeps the page of a plan up to date while a job's step runs; what goes wrong with it is said, and no more.

    Args:
        asked: whether the step is asked to stop.
        say: writes a line into the job's log.
    """

    def __init__(self, store: Store, plan: Plan, asked: Callable[[], bool], say: Callable[[str], None]) -> None:
        self._store = store
        self._plan = plan
        self._asked = asked
        self._say = say
        self._next = time.monotonic() + _SECONDS

    def __enter__(self) -> "ShownByJob":
        self._write(_PATIENCE)
        return self

    def __exit__(self, *error: object) -> None:
        self._write(_PATIENCE)

    def stopping(self) -> bool:
        """What a step asks between two pieces of its work; the page is written then if it is old."""
        if time.monotonic() > self._next:
            self._next = time.monotonic() + _SECONDS
            if Dashboard(self._store, self._plan).age > _SECONDS:
                self._write(0)
        return self._asked()

    def _write(self, patience: float) -> None:
        trouble = write_from_disk(self._store, self._plan, patience)
        if trouble:
            self._say(f"dashboard: {trouble}")

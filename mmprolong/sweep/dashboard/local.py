"""The page as this machine's launcher writes it: at changes, and every few seconds while steps go on."""

import time
from collections.abc import Mapping

from mmprolong.pipeline.plan import Plan
from mmprolong.store.store import Store
from mmprolong.sweep.dashboard.write import Dashboard
from mmprolong.sweep.standing import Standing

_SECONDS = 5.0
"""Time between two pages that differ in progress alone [s]."""
_SHARE = 0.05
"""Of the launcher's time that pages may take."""
_SOURCE = "Written by the launcher on this machine, at every change and every few seconds."


class ShownByLauncher:
    """Keeps the page of a plan up to date while the launcher runs."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.dashboard = Dashboard(store, plan)
        self._states: list[str] = []
        self._written = float("-inf")
        self._next = float("-inf")

    def tick(self, where: Mapping[str, Standing]) -> None:
        """Write the page if it is time to."""
        now = time.monotonic()
        changed = self._states != [each.state for each in where.values()]
        if now > self._next and (changed or now > self._written + _SECONDS):
            self.write(where)

    def write(self, where: Mapping[str, Standing], patience: float = 0) -> None:
        """Write the page, unless another process does.

        Args:
            patience: how long it waits for that one [s].
        """
        began = time.monotonic()
        self.dashboard.publish(lambda: where, _SOURCE, patience)
        self._states = [each.state for each in where.values()]
        self._written = time.monotonic()
        self._next = self._written + (self._written - began) / _SHARE

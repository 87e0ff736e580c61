"""The page on the disk: written by the launcher of this machine and by commands that a person types, never by jobs."""

import time
from collections.abc import Mapping
from pathlib import Path

from mmprolong.pipeline.plan import Plan
from mmprolong.store.atomic import write_file
from mmprolong.store.store import Store
from mmprolong.sweep.commands import command
from mmprolong.sweep.state import StepState
from mmprolong.sweep.view.page import page, utc_now

_SECONDS = 5.0
"""Time between two pages that differ in progress alone [s]."""
_SHARE = 0.05
"""Of the launcher's time that pages may take."""
_BY_LAUNCHER = "Written by the launcher on this machine, at every change and every few seconds."


def page_path(store: Store, ablation: str) -> Path:
    """Return where the page of an ablation lies."""
    return store.root / "reports" / ablation / "dashboard.html"


def write_page(store: Store, plan: Plan, states: Mapping[str, StepState], source: str = "") -> str:
    """Replace the page; returns what went wrong, if anything did: a sweep must not end with its page.

    Args:
        source: who says so; empty: a command that was typed.
    """
    path = page_path(store, plan.ablation)
    asks = f"`{command(store, 'status', plan.ablation, config_dir=plan.config_dir)}`"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, page(store, plan, states, source or f"As disk and Slurm say; {asks} asks again.", utc_now()))
    except Exception as error:  # noqa: BLE001
        return f"{path}: {type(error).__name__}: {error}"
    return ""


class LivePage:
    """Keeps the page of a plan up to date while the launcher runs."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.trouble = ""
        """Why it could not be written the last time."""
        self._store = store
        self._plan = plan
        self._states: list[str] = []
        self._written = self._next = float("-inf")

    def tick(self, states: Mapping[str, StepState]) -> None:
        """Write the page if it is time to."""
        now = time.monotonic()
        changed = self._states != [each.state for each in states.values()]
        if now > self._next and (changed or now > self._written + _SECONDS):
            self.write(states)

    def write(self, states: Mapping[str, StepState]) -> None:
        """Write the page."""
        began = time.monotonic()
        self.trouble = write_page(self._store, self._plan, states, _BY_LAUNCHER)
        self._states = [each.state for each in states.values()]
        self._written = time.monotonic()
        self._next = self._written + (self._written - began) / _SHARE

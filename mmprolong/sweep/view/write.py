"""The page on the disk: written by the launcher of this machine and by commands that a person types, never by jobs."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mmprolong.pipeline.plan import Plan
from mmprolong.store.atomic import write_file
from mmprolong.store.store import Store
from mmprolong.sweep.commands import command
from mmprolong.sweep.estimate import known_seconds
from mmprolong.sweep.state import StepState
from mmprolong.sweep.view.page import page

_SECONDS = 2.0
"""Time between two pages [s]."""
_SHARE = 0.05
"""Of the launcher's time that pages may take."""
_BY_LAUNCHER = "Written by the launcher on this machine, every few seconds."


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
        write_file(
            path,
            page(
                store,
                plan,
                states,
                source or f"As disk and Slurm say; {asks} asks again.",
                datetime.now(UTC).replace(microsecond=0),
            ),
        )
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
        self.known: dict[str, float] = {}
        """As `known_seconds` has it, at the last time."""
        self._next = 0.0

    def tick(self, states: Mapping[str, StepState]) -> None:
        """Write the page if it is time to."""
        if time.monotonic() > self._next:
            self.write(states)

    def write(self, states: Mapping[str, StepState]) -> None:
        """Write the page."""
        began = time.monotonic()
        self.known = known_seconds(self._store, self._plan, states)
        self.trouble = write_page(self._store, self._plan, states, _BY_LAUNCHER)
        took = time.monotonic() - began
        self._next = began + max(_SECONDS, took / _SHARE)

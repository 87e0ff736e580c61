"""`mmprolong cancel`."""

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmprolong.cli.launch import show_shared
from mmprolong.cli.lookup import add_store
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import ConfigError, nearest
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.pipeline.plan import Plan
    from mmprolong.pipeline.steps import Step

_NAMED = 50
"""Cancelled steps that are named one by one."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The ablation, and which of its jobs."""
    parser.add_argument("ablation")
    which = "only of points whose label/s<seed>, or else of steps whose stage/id, contains this"
    parser.add_argument("match", nargs="?", default="", help=which)
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Cancel the jobs of an ablation on a cluster and those that wait for them, but none that another one needs."""
    from mmprolong.pipeline.plan import load_plan
    from mmprolong.sweep.cancel import cancel
    from mmprolong.sweep.state import step_states
    from mmprolong.sweep.view.write import write_page

    store = Store(Path(arguments.store))
    plan = load_plan(store, arguments.ablation)
    _require_match(plan, arguments.match)
    done = cancel(store, plan, arguments.match)
    write_page(store, plan, step_states(store, plan))
    console = Terminal()
    for line in _lines([plan.steps[name] for name in done.ended if name in plan.steps]):
        console.print(f"cancelled: {line}", soft_wrap=True)
    others = sum(name not in plan.steps for name in done.ended)
    if others:
        console.print(f"cancelled: {others} jobs of another plan of {plan.ablation}", soft_wrap=True)
    show_shared(done.shared, console)
    if not done.ended and not done.shared:
        console.print(f"{arguments.ablation}: no job of it is in the queue")


def _require_match(plan: "Plan", match: str) -> None:
    """
    Raises:
        ConfigError: no point and no step is named so; names the nearest label.
    """
    points = (f"{point.label}/s{point.seed}" for point in plan.points)
    if not any(match in name for name in [*points, *(step.path for step in plan.steps.values())]):
        found = "no label/s<seed> and no stage/id contains it"
        raise ConfigError(f"cancel {plan.ablation} {match!r}: {found}; {nearest(match, plan.labels)}")


def _lines(steps: "Sequence[Step]") -> Iterable[str]:
    if len(steps) <= _NAMED:
        return (f"{step.path} ({step.label})" for step in steps)
    return (f"{count} steps of {stage}" for stage, count in Counter(step.stage for step in steps).items())

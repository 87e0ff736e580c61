"""`mmprolong sweep`, the same as `python -m mmprolong.sweep`."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.live import Live

from mmprolong.cli.arguments import overrides, own_files
from mmprolong.cli.jobs import print_launched
from mmprolong.cli.report import print_report
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import ConfigError, StepFailed
from mmprolong.pipeline.plan import Plan, save_plan
from mmprolong.runtime.signals import interrupt_on_signals
from mmprolong.store.store import Store, drifted

if TYPE_CHECKING:
    from mmprolong.sweep.local import Launcher
    from mmprolong.sweep.state import StepState

_PAGE_SECONDS = 5.0
"""Time between two pages of the dashboard [s]."""


@click.command()
@overrides
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@click.option("--prune", is_flag=True, help="Cancel jobs of points that are no longer in the file.")
@own_files
def sweep(overrides: tuple[str, ...], dry_run: bool, prune: bool) -> None:
    """Plan, run and report an ablation: +ablation=NAME, group=choice, key=value."""
    from mmprolong.config.compose import Composer
    from mmprolong.reporting.tables.paper_tables import check_table
    from mmprolong.sweep.planning import make_plan
    from mmprolong.sweep.resources import check_jobs
    from mmprolong.sweep.view.console import failures

    console = Terminal()
    plan, config = make_plan(overrides)
    slurm = config.cluster.launcher == "slurm"
    if prune and not slurm:
        raise ConfigError(f"--prune: cancels jobs on Slurm, and cluster={config.cluster.name} has none; leave it out")
    with Composer().locating(overrides):
        check_table(plan)
        check_jobs(config.cluster, plan.steps.values())
    store = Store(Path(config.paths.store))
    states = _print_plan(store, plan, console)
    if dry_run:
        for line in failures(plan, states):
            console.say(line)
        console.say("dry run: nothing was started")
        return
    launch(store, plan, prune, console)


def launch(store: Store, plan: Plan, prune: bool, console: Terminal) -> None:
    """Run a plan where its cluster says, and report.

    Args:
        prune: cancel jobs of points that are no longer planned.

    Raises:
        StepFailed: a step failed; all that does not need it was run.
    """
    if plan.tracking.mode == "online":
        from mmprolong.reporting.results.wandb import require_reachable

        require_reachable()
    if plan.cluster.launcher == "slurm":
        from mmprolong.sweep.slurm.submit import SlurmLauncher

        launched = SlurmLauncher(store, plan).submit(prune)
        print_launched(store, plan, launched, prune, console)
        return
    save_plan(store, plan)
    _run_here(store, plan, console)


def _print_plan(store: Store, plan: Plan, console: Terminal) -> "Mapping[str, StepState]":
    """Print the plan and its cost; returns the states of the steps."""
    from mmprolong.pipeline.run import settings_of
    from mmprolong.sweep.arm_checks import describe_equal_arms
    from mmprolong.sweep.state import step_states
    from mmprolong.sweep.view.console import estimate_lines, plan_table

    states = step_states(store, plan)
    console.print(plan_table(plan, states))
    for line in (*describe_equal_arms(plan), f"store: {store.root}"):
        console.say(line)
    for step, at in ((plan.steps[name], at) for name, at in states.items()):
        for line in drifted(at.record, settings_of(step)) if at.record else ():
            console.say(line, "yellow")
    for line in estimate_lines(store, plan, states):
        console.say(line)
    return states


def _run_here(store: Store, plan: Plan, console: Terminal) -> None:
    """Run what is not finished on this machine, and report.

    Raises:
        StepFailed: a step failed; all that does not need it was run.
    """
    from mmprolong.reporting.results.store import read_runs
    from mmprolong.sweep.local import Launcher
    from mmprolong.sweep.view.console import failures

    interrupt_on_signals()
    launcher = Launcher(store, plan)
    _run_shown(launcher, console)
    states = launcher.states()
    for line in failures(plan, states):
        console.say(line)
    print_report(read_runs(store.root, plan), store, console)
    failed = sum(at.state == "failed" for at in states.values())
    if failed:
        raise StepFailed(f"{failed} steps failed; the same command runs them again")


def _run_shown(launcher: "Launcher", console: Terminal) -> None:
    """Run with bars in the terminal, or where there is none a line for each step that ends, and with the dashboard."""
    from mmprolong.sweep.view.console import ended_line, progress_view
    from mmprolong.sweep.view.dashboard import page_path, write_page

    store, plan, before = launcher.store, launcher.plan, launcher.states()
    console.say(f"dashboard: {page_path(store, plan.ablation)}")
    written = 0.0

    def tick() -> None:
        nonlocal written
        states = launcher.states()
        if time.monotonic() > written + _PAGE_SECONDS:
            write_page(store, plan, states)
            written = time.monotonic()
        if console.is_terminal:
            live.update(progress_view(plan, states))
            return
        for name, at in states.items():
            if at.state != before[name].state and at.state in ("finished", "failed"):
                console.say(ended_line(plan, name, states))
        before.update(states)

    trouble = ""
    with Live(console=console, refresh_per_second=4, transient=True, auto_refresh=console.is_terminal) as live:
        try:
            if not launcher.over:
                launcher.run(tick)
        finally:
            trouble = write_page(store, plan, launcher.states())
    if trouble:
        console.say(f"dashboard: {trouble}", "yellow")

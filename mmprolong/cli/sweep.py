"""`mmprolong sweep`, the same as `python -m mmprolong.sweep`."""

import time
from pathlib import Path

import click
from rich.live import Live

from mmprolong.cli.arguments import overrides, own_files
from mmprolong.cli.jobs import print_launched
from mmprolong.cli.report import print_report
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import StepFailed
from mmprolong.pipeline.plan import Plan, save_plan
from mmprolong.runtime.signals import interrupt_on_signals
from mmprolong.store.store import Store, drifted
from mmprolong.sweep.arm_checks import describe_equal_arms
from mmprolong.sweep.local import Launcher
from mmprolong.sweep.logs import failure_lines
from mmprolong.sweep.resources import check_jobs
from mmprolong.sweep.slurm.submit import SlurmLauncher
from mmprolong.sweep.state import step_states

_PAGE_SECONDS = 5.0
"""Time between two pages of the dashboard [s]."""


@click.command()
@overrides
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@own_files
def sweep(overrides: tuple[str, ...], dry_run: bool) -> None:
    """Plan, run and report an ablation: +ablation=NAME, group=choice, key=value."""
    from mmprolong.config.overrides import locating
    from mmprolong.reporting.tables.paper_tables import check_table
    from mmprolong.sweep.planning import make_plan

    console = Terminal()
    plan, config = make_plan(overrides)
    with locating(overrides):
        check_table(plan)
        check_jobs(config.cluster, plan.steps.values())
    store = Store(Path(config.paths.store))
    _print_plan(store, plan, console)
    if dry_run:
        console.say("dry run: nothing was started")
        return
    launch(store, plan, console)


def launch(store: Store, plan: Plan, console: Terminal) -> None:
    """Run a plan where its cluster says, and report.

    Raises:
        StepFailed: a step failed; all that does not need it was run.
    """
    if plan.tracking.mode == "online":
        from mmprolong.reporting.results.wandb import require_reachable

        require_reachable()
    if plan.cluster.launcher == "slurm":
        print_launched(store, plan, SlurmLauncher(store, plan).submit(), console)
        return
    save_plan(store, plan)
    _run_here(store, plan, console)


def _print_plan(store: Store, plan: Plan, console: Terminal) -> None:
    """Print the plan, what failed before, and the expected cost of the rest."""
    from mmprolong.pipeline.run import settings_of
    from mmprolong.sweep.estimate import basis, expect
    from mmprolong.sweep.view.console import plan_table, summary

    states = step_states(store, plan)
    console.print(plan_table(plan, states))
    for line in (*describe_equal_arms(plan), f"store: {store.root}", *failure_lines(store, plan, states)):
        console.say(line)
    for step, at in ((plan.steps[name], at) for name, at in states.items()):
        for line in drifted(at.record, settings_of(step)) if at.record else ():
            console.say(line, "yellow")
    console.say(summary(plan, states))
    if expected := expect(plan, states):
        console.say(f"  by {basis(plan, expected)}")


def _run_here(store: Store, plan: Plan, console: Terminal) -> None:
    """Run what is not finished on this machine, and report."""
    from mmprolong.reporting.results.store import read_runs

    interrupt_on_signals()
    launcher = Launcher(store, plan)
    _run_shown(launcher, console)
    states = launcher.states()
    for line in failure_lines(store, plan, states):
        console.say(line, "red")
    print_report(read_runs(store.root, plan), store, console)
    failed = sum(at.state == "failed" for at in states.values())
    if failed:
        raise StepFailed(f"{failed} steps failed; the same command runs them again")


def _run_shown(launcher: Launcher, console: Terminal) -> None:
    """Run with the steps at hand in the terminal, or where there is none a line for each that ends; write the page."""
    from mmprolong.sweep.view.console import ended_line, progress_view
    from mmprolong.sweep.view.dashboard import write_page

    store, plan, before = launcher.store, launcher.plan, launcher.states()
    console.say(f"dashboard: {write_page(store, plan, before)}")
    written = time.monotonic()

    def tick() -> None:
        nonlocal written
        states = launcher.states()
        if time.monotonic() > written + _PAGE_SECONDS:
            write_page(store, plan, states)
            written = time.monotonic()
        if console.is_terminal:
            live.update(progress_view(store, plan, states))
            return
        for name, at in states.items():
            if at.state != before[name].state and at.state in ("finished", "failed"):
                console.say(ended_line(plan, name, states))
        before.update(states)

    with Live(console=console, refresh_per_second=4, transient=True, auto_refresh=console.is_terminal) as live:
        try:
            if not launcher.over:
                launcher.run(tick)
        finally:
            write_page(store, plan, launcher.states())

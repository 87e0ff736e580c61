"""`mmprolong sweep`, the same as `python -m mmprolong.sweep`."""

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
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.settings.knobs import Config
    from mmprolong.sweep.local.launch import Launcher
    from mmprolong.sweep.state import StepState


@click.command()
@overrides
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@click.option("--prune", is_flag=True, help="Cancel jobs of points that are no longer in the file.")
@own_files
def sweep(overrides: tuple[str, ...], dry_run: bool, prune: bool) -> None:
    """Plan, run and report an ablation: +ablation=NAME, group=choice, key=value."""
    from mmprolong.config.compose import Composer
    from mmprolong.reporting.tables.paper_tables import check_table
    from mmprolong.sweep.plan import make_plan
    from mmprolong.sweep.resources import check_jobs
    from mmprolong.sweep.view.terminal import failures

    console = Terminal()
    plan, config = make_plan(overrides)
    slurm = config.cluster.launcher == "slurm"
    if prune and not slurm:
        raise ConfigError(f"--prune: cancels jobs on Slurm, and cluster={config.cluster.name} has none; leave it out")
    with Composer().locating(overrides):
        check_table(plan)
        check_jobs(config.cluster, plan.steps.values())
    store = Store(Path(config.paths.store))
    states = _print_plan(store, plan, config, console)
    if dry_run:
        for line in failures(plan, states):
            console.say(line)
        console.say("dry run: nothing was started")
        return
    if config.tracking.mode == "online":
        from mmprolong.reporting.results.wandb import require_reachable

        require_reachable()
    if slurm:
        from mmprolong.sweep.slurm.submit import SlurmLauncher

        launched = SlurmLauncher(store, plan, config.cluster, config.tracking).submit(prune)
        print_launched(store, plan, launched, prune, console)
        return
    save_plan(store, plan)
    _run_here(store, plan, config, console)


def _print_plan(store: Store, plan: Plan, config: "Config", console: Terminal) -> "Mapping[str, StepState]":
    """Print the plan and its cost; returns the states of the steps."""
    from mmprolong.pipeline.run import edited_defaults
    from mmprolong.sweep import estimate
    from mmprolong.sweep.comparable import equal_rows
    from mmprolong.sweep.state import step_states
    from mmprolong.sweep.view.terminal import cost_line, duration, plan_table

    states, cluster = step_states(store, plan), config.cluster
    console.print(plan_table(plan, states))
    for line in (*equal_rows(plan), f"store: {store.root}"):
        console.say(line)
    for line in edited_defaults(store, plan.steps.values()):
        console.say(line, "yellow")
    known = estimate.known_seconds(store, plan, states)
    seconds = estimate.expected_seconds(plan, states, cluster, known)
    if seconds:
        width = estimate.steps_at_once(cluster, states)  # on Slurm what runs already, which says nothing of the rest
        wall = duration(estimate.wall_time(plan, seconds, width, cluster)) + "; " if cluster.launcher != "slurm" else ""
        hours = estimate.hours(plan, seconds, cluster)
        cost = cost_line(hours, hours.money(cluster), estimate.megabytes(store, plan, states, cluster))
        console.say(f"estimated: {wall}{cost}")
        console.say(f"  by {estimate.based_on(plan, states, cluster, known)}")
    return states


def _run_here(store: Store, plan: Plan, config: "Config", console: Terminal) -> None:
    """Run what is not finished on this machine, and report.

    Raises:
        StepFailed: a step failed; all that does not need it was run.
    """
    from mmprolong.reporting.results.store import read_runs
    from mmprolong.sweep.local.launch import Launcher
    from mmprolong.sweep.view.terminal import failures

    interrupt_on_signals()
    launcher = Launcher(store, plan, config.cluster, config.tracking)
    _run_shown(launcher, console)
    for line in failures(plan, launcher.states()):
        console.say(line)
    print_report(read_runs(store.root, plan), store, console)
    failed = list(launcher.where.values()).count("failed")
    if failed:
        raise StepFailed(f"{failed} steps failed; the same command runs them again")


def _run_shown(launcher: "Launcher", console: Terminal) -> None:
    """Run with bars in the terminal, or where there is none a line for each step that ends, and with the dashboard."""
    from mmprolong.sweep.view.terminal import ended_line, progress_view
    from mmprolong.sweep.view.write import LivePage, page_path

    store, plan = launcher.store, launcher.plan
    page = LivePage(store, plan)
    console.say(f"dashboard: {page_path(store, plan.ablation)}")
    before = dict(launcher.where)

    def tick() -> None:
        states = launcher.states()
        page.tick(states)
        if console.is_terminal:
            live.update(progress_view(plan, states, page.known))
            return
        for name, state in launcher.where.items():
            if state != before[name] and state in ("finished", "failed"):
                console.say(ended_line(plan, name, states))
        before.update(launcher.where)

    with Live(console=console, refresh_per_second=4, transient=True, auto_refresh=console.is_terminal) as live:
        try:
            if not launcher.over:
                launcher.run(tick)
        finally:
            page.write(launcher.states())
    if page.trouble:
        console.say(f"dashboard: {page.trouble}", "yellow")

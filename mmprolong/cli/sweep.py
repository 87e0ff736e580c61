"""`mmprolong sweep`, the same as `python -m mmprolong.sweep`."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live

from mmprolong.cli.launch import check_prune, submit
from mmprolong.cli.report import print_report
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import ArtifactError, StepFailed, refuse
from mmprolong.runtime.signals import interrupt_on_signals
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmprolong.pipeline.plan import Plan
    from mmprolong.settings.knobs import Config
    from mmprolong.sweep.local.launch import Launcher
    from mmprolong.sweep.state import StepState


def arguments(parser: argparse.ArgumentParser) -> None:
    """Overrides, and whether to stop after the plan."""
    parser.add_argument("overrides", nargs="*", help="+ablation=NAME, group=choice, key=value")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    parser.add_argument("--prune", action="store_true", help="cancel jobs of points that are no longer in the file")


def run(arguments: argparse.Namespace) -> int:
    """Plan, run and report an ablation."""
    from mmprolong.cli.table_check import check_table
    from mmprolong.config.compose import Composer
    from mmprolong.pipeline.plan import save_plan
    from mmprolong.sweep.plan import make_plan
    from mmprolong.sweep.resources import wrong_jobs
    from mmprolong.sweep.view.terminal import failures

    console = Terminal()
    plan, config = make_plan(arguments.overrides)
    check_prune(config, arguments.prune)
    with Composer().locating(arguments.overrides):
        check_table(plan)
        refuse(wrong_jobs(config.cluster, plan.steps.values()))
    store = Store(Path(config.paths.store))
    where = _print_plan(store, plan, config, console)
    if arguments.dry_run:
        for line in failures(plan, where):
            console.print(line, soft_wrap=True)
        console.print("dry run: nothing was started")
        return 0
    if config.tracking.mode == "online":
        from mmprolong.reporting.sources.wandb_api import require_reachable

        require_reachable()
    if config.cluster.launcher == "slurm":
        submit(store, plan, config, arguments.prune, console)
        return 0
    save_plan(store, plan)
    return _run_here(store, plan, config, console)


def _print_plan(store: Store, plan: "Plan", config: "Config", console: Terminal) -> "Mapping[str, StepState]":
    """What there is to do and what it costs; returns where the steps stand."""
    from mmprolong.reporting.sources.origins import mixed_ahead
    from mmprolong.sweep.comparable import equal_rows
    from mmprolong.sweep.estimate import (
        based_on,
        expected_seconds,
        hours,
        known_seconds,
        megabytes,
        steps_at_once,
        wall_time,
    )
    from mmprolong.sweep.state import step_states
    from mmprolong.sweep.view.terminal import cost_line, duration, plan_table

    states, cluster = step_states(store, plan), config.cluster
    console.print(plan_table(plan, states))
    for remark in equal_rows(plan):
        console.print(remark, soft_wrap=True)
    console.print(f"store: {store.root}", soft_wrap=True)
    for remark in _replaced(store, plan):
        console.print(remark, soft_wrap=True)
    known = known_seconds(store, plan, states)
    seconds = expected_seconds(plan, states, cluster, known)
    if seconds:
        width = steps_at_once(cluster, states)
        time = f"{duration(wall_time(plan, seconds, width, cluster))}; " if cluster.launcher != "slurm" else ""
        left = hours(plan, seconds, cluster)
        cost = cost_line(left, left.money(cluster), megabytes(store, plan, states, cluster))
        console.print(f"estimated: {time}{cost}", soft_wrap=True)
        console.print(f"  by {based_on(plan, states, cluster, known)}", soft_wrap=True)
        for each in mixed_ahead(store, plan):
            told = f"before it starts: {each}; the table will be refused, unless it is told --mixed-code"
            console.print(f"{told}, or the version of {each.stage} is raised in settings.py", soft_wrap=True)
    return states


def _replaced(store: Store, plan: "Plan") -> list[str]:
    """What is said where the store's plan of this name has steps that this one has not, or is damaged."""
    from mmprolong.pipeline.plan import load_plan, planned

    try:
        last = load_plan(store, plan.ablation) if plan.ablation in planned(store) else plan
    except ArtifactError as error:
        return [f"takes the place of a damaged plan ({error})"]
    if last.steps.keys() <= plan.steps.keys():
        return []
    typed = shlex.join(last.overrides)
    return [f"takes the place of the plan launched with {typed}; its finished steps stay in the store"]


def _run_here(store: Store, plan: "Plan", config: "Config", console: Terminal) -> int:
    """Run what is not finished on this machine, with bars, and report; returns the exit code.

    Raises:
        StepFailed: a step failed; all that does not need it was run.
    """
    from mmprolong.sweep.local.launch import Launcher
    from mmprolong.sweep.view.terminal import failures

    interrupt_on_signals()
    launcher = Launcher(store, plan, config.cluster, config.tracking)
    _run_shown(launcher, console)
    for line in failures(plan, launcher.states()):
        console.print(line, soft_wrap=True)
    code = _report(store, plan, console)
    if launcher.progress.failed:
        raise StepFailed(f"{len(launcher.progress.failed)} steps failed; the same command runs them again")
    return code


def _run_shown(launcher: "Launcher", console: Terminal) -> None:
    """Run with bars in the terminal, or where there is none a line for each step that ends, and with the dashboard."""
    from mmprolong.sweep.estimate import known_seconds
    from mmprolong.sweep.view.terminal import ended_line, progress_view
    from mmprolong.sweep.view.write import LivePage, page_path

    store, plan = launcher.store, launcher.plan
    known, page = known_seconds(store, plan, launcher.states()), LivePage(store, plan)
    console.print(f"dashboard: {page_path(store, plan.ablation)}", soft_wrap=True)
    ended = set(launcher.progress.ended)

    def tick() -> None:
        states = launcher.states()
        page.tick(states)
        if console.is_terminal:
            live.update(progress_view(plan, states, known))
            return
        for name in launcher.progress.ended - ended:
            console.print(ended_line(plan, name, states), soft_wrap=True)
        ended.update(launcher.progress.ended)

    with Live(console=console, refresh_per_second=4, transient=True, auto_refresh=console.is_terminal) as live:
        try:
            if not launcher.progress.over(plan):
                launcher.run(tick)
        finally:
            launcher.progress.running.clear()
            page.write(launcher.states())
    if page.trouble:
        console.print(f"dashboard: {page.trouble}", style="yellow", soft_wrap=True)


def _report(store: Store, plan: "Plan", console: Terminal) -> int:
    """The report, or why there is none and what prints it: what has run for hours does not end in an error."""
    from mmprolong.reporting.sources.origins import MixedCode
    from mmprolong.reporting.sources.runs import read_runs
    from mmprolong.sweep.commands import command

    try:
        print_report(read_runs(store.root, plan), store, console)
    except MixedCode as refusal:
        console.print(f"no table: {refusal}", soft_wrap=True)
        console.print(f"  {command(store, 'report', plan.ablation, '--mixed-code')}", soft_wrap=True)
        return 1
    return 0

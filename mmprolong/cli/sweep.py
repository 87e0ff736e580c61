"""`mmprolong sweep`, the same as `python -m mmprolong.sweep`."""

import argparse
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live

from mmprolong.cli.launch import check_prune, submit
from mmprolong.cli.report import print_report
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import ArtifactError, StepFailed
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmprolong.pipeline.plan import Plan
    from mmprolong.settings.knobs import Config
    from mmprolong.sweep.launch import Launcher, Progress
    from mmprolong.sweep.standing import Standing
    from mmprolong.sweep.watch import Watch


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
    from mmprolong.sweep.display import failures
    from mmprolong.sweep.plan import make_plan

    console = Terminal()
    plan, config = make_plan(arguments.overrides)
    check_prune(config, arguments.prune)
    with Composer().locating(arguments.overrides):
        check_table(plan)
    store = Store(Path(config.paths.store))
    where = _print_plan(store, plan, config, console)
    if arguments.dry_run:
        for line in failures(plan, where):
            console.print(line, soft_wrap=True)
        console.print("dry run: nothing was started")
        return 0
    if config.tracking.mode == "online":
        from mmprolong.reporting.results.wandb import require_reachable

        require_reachable()
    if config.cluster.launcher == "slurm":
        submit(store, plan, config, arguments.prune, console)
        return 0
    save_plan(store, plan)
    return _run_here(store, plan, config, console)


def _print_plan(store: Store, plan: "Plan", config: "Config", console: Terminal) -> "Mapping[str, Standing]":
    """What there is to do and what it costs; returns where the steps stand."""
    from mmprolong.reporting.results.provenance import mixed_ahead
    from mmprolong.sweep.comparable import equal_rows
    from mmprolong.sweep.display import cost_line, duration, plan_table
    from mmprolong.sweep.estimate import based_on, expected, hours, megabytes, wall_time, width
    from mmprolong.sweep.standing import standings
    from mmprolong.sweep.usual import usual_seconds

    where = standings(store, plan)
    console.print(plan_table(plan, where))
    for remark in equal_rows(plan):
        console.print(remark, soft_wrap=True)
    console.print(f"store: {store.root}", soft_wrap=True)
    for remark in _replaced(store, plan):
        console.print(remark, soft_wrap=True)
    usual = usual_seconds(store, plan, where)
    seconds = expected(plan, where, config.cluster, usual)
    if seconds:
        here = config.cluster.launcher != "slurm"
        time = f"{duration(wall_time(plan, seconds, width(config.cluster, where)))}; " if here else ""
        left = hours(plan, seconds, config.cluster)
        cost = cost_line(left, left.money(config.cluster), megabytes(store, plan, where, config.cluster))
        console.print(f"estimated: {time}{cost}", soft_wrap=True)
        console.print(f"  by {based_on(plan, where, config.cluster, usual)}", soft_wrap=True)
        for each in mixed_ahead(store, plan):
            told = f"before it starts: {each}; the table will be refused, unless it is told --mixed-code"
            console.print(f"{told}, or the version of {each.stage} is raised in settings.py", soft_wrap=True)
    return where


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
    """Run what is not finished on this machine, with bars, and report; returns the exit code. SIGTERM is as Ctrl-C.

    Raises:
        StepFailed: a step failed; all that does not need it was run.
    """
    from mmprolong.sweep.display import failures
    from mmprolong.sweep.launch import Launcher
    from mmprolong.sweep.watch import Watch

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    launcher = Launcher(store, plan, config.cluster, config.tracking)
    watch = Watch(store, plan)
    _run_shown(launcher, watch, store, plan, console)
    for line in failures(plan, watch.look(launcher.progress)):
        console.print(line, soft_wrap=True)
    code = _report(store, plan, console)
    if launcher.progress.failed:
        raise StepFailed(f"{len(launcher.progress.failed)} steps failed; the same command runs them again")
    return code


def _run_shown(launcher: "Launcher", watch: "Watch", store: Store, plan: "Plan", console: Terminal) -> None:
    """Run with bars in the terminal and the dashboard on the disk, which also says what stands when a run is ended."""
    from mmprolong.sweep.dashboard.local import ShownByLauncher
    from mmprolong.sweep.display import progress_view
    from mmprolong.sweep.usual import usual_seconds

    usual = usual_seconds(store, plan, watch.look(launcher.progress))
    shown = ShownByLauncher(store, plan)
    console.print(f"dashboard: {shown.dashboard.path}", soft_wrap=True)

    def tick(progress: "Progress") -> None:
        where = watch.look(progress)
        shown.tick(where)
        live.update(progress_view(plan, where, usual))

    with Live(console=console, refresh_per_second=4, transient=True) as live:
        try:
            if not launcher.progress.over(plan):
                launcher.run(tick)
        finally:
            launcher.progress.running.clear()
            shown.write(watch.look(launcher.progress), patience=10)
    if shown.dashboard.trouble:
        console.print(f"dashboard: {shown.dashboard.trouble}", style="yellow", soft_wrap=True)


def _report(store: Store, plan: "Plan", console: Terminal) -> int:
    """The report, or why there is none and what prints it: what has run for hours does not end in an error."""
    from mmprolong.reporting.results.provenance import MixedCode
    from mmprolong.reporting.results.store import read_runs
    from mmprolong.sweep.commands import command

    try:
        print_report(read_runs(store.root, plan), store, console)
    except MixedCode as refusal:
        console.print(f"no table: {refusal}", soft_wrap=True)
        console.print(f"  {command(store, 'report', plan.ablation, '--mixed-code')}", soft_wrap=True)
        return 1
    return 0

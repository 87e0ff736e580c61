"""`mmprolong sweep`, the same as `python -m mmprolong.sweep`."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.live import Live

from mmprolong.artifacts import Store
from mmprolong.cli.report import print_report
from mmprolong.errors import StepFailed


def arguments(parser: argparse.ArgumentParser) -> None:
    """Overrides, and whether to stop after the plan."""
    parser.add_argument("overrides", nargs="*", help="+ablation=NAME, group=choice, key=value")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")


def run(arguments: argparse.Namespace) -> None:
    """Plan, run and report an ablation."""
    from mmprolong.sweep.display import duration, failures, plan_table, progress_view
    from mmprolong.sweep.estimate import estimate
    from mmprolong.sweep.launch import Launcher, finished_steps
    from mmprolong.sweep.plan import make_plan, save_plan

    console = Console()
    plan, config = make_plan(arguments.overrides)
    store = Store(Path(config.paths.store))
    finished = finished_steps(store, plan)
    console.print(plan_table(plan, finished))
    left = estimate(store, plan, finished, config.cluster)
    console.print(f"store: {store.root}   estimated time: {duration(left)}" if left else f"store: {store.root}")
    if arguments.dry_run:
        console.print("dry run: nothing was started")
        return
    launcher = Launcher(store, plan, save_plan(store, plan), config.cluster, config.tracking)
    if len(finished) < len(plan.steps):
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            progress = launcher.run(
                lambda state: live.update(
                    progress_view(store, plan, state, estimate(store, plan, state.finished, config.cluster))
                )
            )
        for line in failures(plan, progress):
            console.print(line, soft_wrap=True)
    print_report(store, plan.ablation, console)
    if launcher.progress.failed:
        raise StepFailed(f"{len(launcher.progress.failed)} steps failed; the same command runs them again")

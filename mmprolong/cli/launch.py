"""What the user sees of a launch on Slurm."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmprolong.errors import ConfigError
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.pipeline.plan import Plan
    from mmprolong.settings.knobs import Config
    from mmprolong.sweep.slurm.submit import Launched


def check_prune(config: "Config", prune: bool) -> None:
    """Refuse to prune where there are no jobs.

    Raises:
        ConfigError: says so.
    """
    if prune and config.cluster.launcher != "slurm":
        raise ConfigError(f"--prune: cancels jobs on Slurm, and cluster={config.cluster.name} has none; leave it out")


def submit(store: Store, plan: "Plan", config: "Config", prune: bool, console: Console) -> None:
    """Hand the plan to Slurm and say what to do next."""
    from mmprolong.sweep.commands import command
    from mmprolong.sweep.slurm.submit import SlurmLauncher

    launched = SlurmLauncher(store, plan, config.cluster, config.tracking).submit(prune)
    show(store, plan, launched, prune, console)
    for words, meaning in (
        (("status", plan.ablation, "--watch"), "where every point stands"),
        (("logs", plan.ablation), "what the failed and running jobs wrote"),
        (("retry", plan.ablation), "submit what failed, and what hung on it"),
        (("cancel", plan.ablation), "take it all back"),
        (("report", plan.ablation), "the table, as far as it has run"),
    ):
        console.print(Text.assemble(f"  {command(store, *words)}   ", (meaning, "dim")), soft_wrap=True)


def show(store: Store, plan: "Plan", launched: "Launched", prune: bool, console: Console) -> None:
    """The submitted arrays, what was left alone, and the dashboard, which is written anew."""
    from mmprolong.sweep.state import step_states
    from mmprolong.sweep.view.write import page_path, write_page

    if launched.submitted:
        table = Table(title=f"{plan.ablation}: submitted", title_justify="left")
        for column in ("job", "stage", "steps", "after"):
            table.add_column(column, justify="right" if column == "steps" else "left", overflow="fold")
        for each in launched.submitted:
            number = f"{each.parts} shares of 1" if each.parts else str(len(each.steps))
            table.add_row(each.job, each.stage, number, each.dependency)
        console.print(table)
    else:
        console.print(f"{plan.ablation}: nothing to submit")
    if launched.queued:
        console.print(f"{len(launched.queued)} steps were in the queue already")
    if launched.stray:
        jobs = ", ".join(launched.stray.values())
        done = "cancelled" if prune else "left alone; --prune cancels them"
        console.print(f"{len(launched.stray)} jobs of points that are no longer in the file: {jobs}; {done}")
    show_shared(launched.shared, console)
    trouble = write_page(store, plan, step_states(store, plan))
    console.print(f"dashboard: {trouble or page_path(store, plan.ablation)}", soft_wrap=True, highlight=False)


def show_shared(shared: Mapping[str, int], console: Console) -> None:
    """The jobs that were left to other ablations."""
    for name, count in shared.items():
        console.print(f"left alone: {count} jobs that {name} needs too", highlight=False)

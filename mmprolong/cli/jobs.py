"""`mmprolong logs`, `retry` and `cancel`: the jobs of a launched sweep; and the summary of a launch on Slurm."""

from collections import Counter

import click

from mmprolong.cli.arguments import launched, overrides, stored
from mmprolong.cli.terminal import Terminal, table
from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import Plan, load_plan
from mmprolong.store.store import Store
from mmprolong.sweep.commands import command
from mmprolong.sweep.logs import last_lines
from mmprolong.sweep.resources import check_jobs
from mmprolong.sweep.slurm import job_list
from mmprolong.sweep.slurm.submit import Launched, SlurmLauncher
from mmprolong.sweep.state import step_states


@click.command()
@launched
@click.argument("match", default="")
@click.option("-n", "--lines", type=click.IntRange(0), default=10, show_default=True, help="Last lines of each.")
@stored
def logs(ablation: str, match: str, lines: int, store: Store) -> None:
    """Show the last lines of the logs of an ablation's steps.

    Of those whose label or stage/id contains MATCH; without it of those that failed or run.
    """
    console = Terminal()
    found = [*last_lines(store, load_plan(store, ablation), match, lines)]
    for step, state, path, last in found:
        console.say(f"{step.path} ({step.label}), {state}: {path}", "bold")
        for line in last:
            console.say(f"  {line}")
    if not found:
        raise ConfigError(f"logs {ablation} {match!r}: no log; mmprolong status shows all steps")


@click.command()
@launched
@overrides
@stored
def retry(ablation: str, overrides: tuple[str, ...], store: Store) -> None:
    """Submit failed steps on a cluster again, and the steps that depend on them.

    OVERRIDES change what they ask for, such as cluster.jobs.training.minutes=600.
    """
    from mmprolong.sweep.planning import plan_retry

    plan = plan_retry(store, load_plan(store, ablation), overrides)
    check_jobs(plan.cluster, plan.steps.values())
    print_launched(store, plan, SlurmLauncher(store, plan).submit(), Terminal())


@click.command()
@launched
@click.argument("match", default="")
@stored
def cancel(ablation: str, match: str, store: Store) -> None:
    """Cancel an ablation's jobs on a cluster, except those that another ablation has too.

    With MATCH those alone of points whose label/s<seed>, or else of steps whose stage/id, contains it.
    """
    from mmprolong.sweep.view.dashboard import write_page

    console, plan = Terminal(), load_plan(store, ablation)
    ended, shared = job_list.cancel(store, plan, match)
    write_page(store, plan, step_states(store, plan))
    stages = Counter(plan.steps[name].stage if name in plan.steps else "an earlier plan" for name in ended)
    for stage, count in stages.items():
        console.say(f"cancelled: {count} steps of {stage}")
    for name, count in shared.items():
        console.say(
            f"left alone: {count} jobs that {name} has too; `cancel {ablation} STAGE/ID` cancels one all the same"
        )
    if not ended and not shared:
        console.say(f"{ablation}: no job of it is in the queue")


def print_launched(store: Store, plan: Plan, launched: Launched, console: Terminal) -> None:
    """Print what was submitted and what was left alone, and the commands that follow; write the dashboard anew."""
    from mmprolong.sweep.view.dashboard import write_page

    stages = Counter[str]()
    for each in launched.submitted:
        stages[plan.steps[each.step].stage] += 1 + len(each.elements)
    console.print(table(f"{plan.ablation}: submitted", ("stage", "jobs"), stages.items()))
    if launched.queued:
        console.say(f"{len(launched.queued)} steps were in the queue already")
    if launched.unplanned:
        console.say(f"cancel the jobs of points that are no longer in the file: scancel {' '.join(launched.unplanned)}")
    console.say(f"dashboard: {write_page(store, plan, step_states(store, plan))}")
    for name in ("status", "logs", "retry", "cancel", "report"):
        console.say(f"  {command(store, name, plan.ablation)}")

"""`mmprolong evaluate`: any checkpoint or server through the benchmarks of a suite."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmprolong.cli.arguments import overrides, own_files
from mmprolong.cli.stages import StagedRun
from mmprolong.cli.sweep import launch
from mmprolong.cli.terminal import Terminal, table
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.pipeline.plan import Plan
    from mmprolong.settings.knobs import Config


@click.command()
@click.argument("subject")
@overrides
@click.option("--plan", "--dry-run", "dry_run", is_flag=True, help="Print questions, tokens, time and price, and stop.")
@own_files
def evaluate(subject: str, overrides: tuple[str, ...], dry_run: bool) -> None:
    """Put a model through a suite: a phase, a folder, a hub name, one of llms, or ADDRESS#MODEL of a server."""
    from mmprolong.sweep.planning import plan_evaluation
    from mmprolong.sweep.resources import check_jobs

    console = Terminal()
    plan, config = plan_evaluation(subject, overrides)
    check_jobs(config.cluster, plan.steps.values())
    _print_replies(plan, config, console)
    if dry_run:
        console.say("plan: nothing was answered")
        return
    launch(Store(Path(config.paths.store)), plan, console)


def _print_replies(plan: "Plan", config: "Config", console: Terminal) -> None:
    """Make the questions, which needs no model, and print what answering them takes."""
    from mmprolong.evaluation.checkpoint_match import require_match
    from mmprolong.evaluation.prefill import REPLY_COLUMNS, plan_replies, reply_row
    from mmprolong.evaluation.serving import serve_command
    from mmprolong.pipeline.run import settings_of
    from mmprolong.sweep.resources import job_of

    (point,) = plan.points
    steps = {role: plan.steps[name] for role, name in point.steps.items()}
    replies = {role.partition(".")[2]: step for role, step in steps.items() if role.startswith("reply.")}
    for step in replies.values():
        require_match(settings_of(step), None)
    run = StagedRun(config, steps, Store(Path(config.paths.store)))
    needed = [role for role in steps if role.startswith("samples.") or role in ("corpus", "render")]
    folders = {steps[role].path: folder for role, folder in run.finish(needed, console).items()}
    rows, lines = [], dict[str, None]()
    for name, step in replies.items():
        settings, job = settings_of(step), job_of(config.cluster, step)
        inputs = {role: folders[path] for role, path in step.needs.items() if path in folders}
        prefill, cost = plan_replies(settings, inputs, config.cluster, job)
        rows.append((name, *reply_row(prefill, cost)))
        if prefill.refused:
            lines[f"{name}: {prefill.refused} questions refused"] = None
        if settings.endpoint and settings.model.path:  # a server that serves weights of ours
            serving = serve_command(prefill.limits, settings.model, settings.view, settings.endpoint.model)
            lines[f"serve it with: {serving}"] = None
    console.print(table(f"{plan.subject}: to be answered", ("benchmark", *REPLY_COLUMNS), rows))
    for line in lines:
        console.say(line)

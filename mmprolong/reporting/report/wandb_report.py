"""The report of an ablation as text: in Markdown, which needs no server, and as a Report in W&B."""

import importlib
import re
from collections.abc import Sequence
from typing import Any

from mmprolong.errors import ConfigError
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.wandb import entity_and_project, errors_of, require_reachable
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.render import markdown_text, to_markdown


def markdown_report(runs: Runs, table: Table, figures: Sequence[str] = ()) -> str:
    """Return the report as one Markdown file, which shows the image files `figures` beside it."""
    source = f"Source: {markdown_text(runs.plan.source)}.\n"
    return "\n".join([to_markdown(table), source, *(f"![{name.partition('.')[0]}]({name})\n" for name in figures)])


def save_wandb_report(runs: Runs, table: Table, project: str) -> str:
    """Save the report in a project of W&B, with live curves of the ablation's group; returns its address.

    Args:
        project: `entity/project`.

    Raises:
        ConfigError: wandb-workspaces is not installed, or W&B cannot be reached or refuses the key.
    """
    entity, name = entity_and_project(project)
    require_reachable()
    with errors_of(project):
        try:
            v2: Any = importlib.import_module("wandb_workspaces.reports.v2")
        except ModuleNotFoundError as error:
            raise ConfigError("W&B reports: wandb-workspaces is missing; pip install 'mmprolong[reports]'") from error
        # W&B shows these escapes as they are
        text = re.sub(r"\\([<>$~&])", r"\1", markdown_report(runs, table))
        group = f"Group == '{runs.plan.ablation}'"
        runset = v2.Runset(entity=entity, project=name, name=runs.plan.ablation, filters=group)
        curves = [v2.LinePlot(title="loss", x="tokens", y=["loss"]), v2.BarPlot(title="overall", metrics=["overall"])]
        report = v2.Report(
            entity=entity,
            project=name,
            title=f"{runs.plan.ablation}: {table.title}",
            description=runs.plan.question,
            blocks=[v2.MarkdownBlock(text), v2.PanelGrid(runsets=[runset], panels=curves)],
        )
        report.save()
        return report.url

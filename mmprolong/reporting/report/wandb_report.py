"""The report of an ablation in W&B: its table, and live curves of its runs."""

import importlib
import re
from typing import Any

from mmprolong.errors import ConfigError
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.wandb import errors_of, require_reachable
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.render import to_markdown


def save_wandb_report(runs: Runs, table: Table, project: str) -> str:
    """Save the report in a project of W&B; returns its address.

    Args:
        project: `entity/project`.

    Raises:
        ConfigError: wandb-workspaces is not installed, or W&B cannot be reached or refuses the key.
    """
    entity, _, name = project.partition("/")
    require_reachable()
    with errors_of(project):
        try:
            v2: Any = importlib.import_module("wandb_workspaces.reports.v2")
        except ModuleNotFoundError as error:
            raise ConfigError("W&B reports: wandb-workspaces is missing; pip install 'mmprolong[reports]'") from error
        text = re.sub(r"\\([<>$~&])", r"\1", to_markdown(table))  # W&B shows these escapes as they are
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

"""The report of an ablation as text: in Markdown, which needs no server, and as a Report in W&B."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmprolong.errors import ConfigError
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.wandb import entity_and_project, errors_of, require_reachable
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.render import markdown_text, to_markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands below it."""

    title: str
    text: str
    """In Markdown, which the title is not."""


def sections(runs: Runs, table: Table) -> list[Section]:
    """What both forms of the report say: question, finding, table, agreement with the paper."""
    bare = to_markdown(table).partition("\n\n")[2]
    question, source = markdown_text(runs.plan.question), markdown_text(runs.plan.source)
    found = [
        Section(title=table.title, text=f"{question}\n\nSource: {source}."),
        Section(title="Finding", text="\n".join(f"- {markdown_text(sentence)}" for sentence in table.finding)),
        Section(title="Table", text=bare),
    ]
    if table.agreements:
        lines = "\n".join(f"- {markdown_text(str(one))}" for one in table.agreements)
        found.append(Section(title="Against the published differences", text=lines))
    return found


def markdown_report(runs: Runs, table: Table, figures: Sequence[str] = ()) -> str:
    """The report as one Markdown file.

    Args:
        figures: image files beside it.
    """
    found = sections(runs, table)
    heads = [f"{'#' * (1 + bool(place))} {markdown_text(one.title)}" for place, one in enumerate(found)]
    parts = [f"{head}\n\n{one.text}" for head, one in zip(heads, found, strict=True)]
    parts += [f"![{name.partition('.')[0]}]({name})" for name in figures]
    return "\n\n".join(part.strip() for part in parts) + "\n"


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
        v2 = _library()
        blocks: list[Any] = []
        for one in sections(runs, table):
            blocks += [v2.H2(one.title), v2.MarkdownBlock(_plain(one.text))]
        group = f"Group == '{runs.plan.ablation}'"
        runset = v2.Runset(entity=entity, project=name, name=runs.plan.ablation, filters=group)
        curves = [v2.LinePlot(title="loss", x="tokens", y=["loss"]), v2.BarPlot(title="overall", metrics=["overall"])]
        blocks.append(v2.PanelGrid(runsets=[runset], panels=curves))
        title = f"{runs.plan.ablation}: {table.title}"
        report = v2.Report(entity=entity, project=name, title=title, description=runs.plan.question, blocks=blocks)
        report.save()
        return report.url


def _library() -> Any:
    try:
        from wandb_workspaces.reports import v2
    except ModuleNotFoundError as error:
        raise ConfigError("W&B reports: wandb-workspaces is missing; pip install 'mmprolong[reports]'") from error
    return v2


def _plain(text: str) -> str:
    """Without the escapes that W&B shows as they are."""
    return re.sub(r"\\([<>$~&])", r"\1", text)

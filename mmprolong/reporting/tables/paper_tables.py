"""The tables of the papers, with our runs where a sweep was launched and without them where none was."""

from collections.abc import Mapping
from pathlib import Path

from mmprolong import plugins
from mmprolong.artifacts import write_whole
from mmprolong.choices import PUBLISHED, TABLES, ablations, files_in, named
from mmprolong.plans import Plan, Point, with_own_files
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.tables.ablation_table import ablation_table as arms_by_length
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.render import to_csv, to_html, to_latex, to_markdown
from mmprolong.reporting.tables.table import Table
from mmprolong.sweep.spec import labels, read_ablation


def table_names() -> list[str]:
    """All tables of `analysis/tables`."""
    return list(files_in(TABLES))


def paper_table(name: str, runs: Runs | None = None) -> Table:
    """Table `name`: our runs, if there are any, beside the published numbers.

    Raises:
        ConfigError: there is neither such a table nor such an ablation; names the nearest.
    """
    if runs is None and name in ablations():
        return ablation_table(unlaunched(name))
    return plugins.load_file(named(TABLES, name, "table")).build(runs, Published(files_in(PUBLISHED)))


def ablation_table(runs: Runs) -> Table:
    """The table that the plan of `runs` names, beside the published one; arms by evaluated length if it names none.

    Raises:
        ConfigError: there is no such table; names the nearest.
    """
    if not runs.plan.table:
        return arms_by_length(runs, runs.plan.ablation)
    with with_own_files(runs.plan):
        return paper_table(runs.plan.table, runs)


def unlaunched(ablation: str) -> Runs:
    """An ablation file as a plan of which nothing has run.

    Raises:
        ConfigError: there is no such ablation, or its file is wrong.
    """
    spec = read_ablation(ablation)
    known = {"suite": {"labels": [], "overall": []}, "phases": {}}
    points = tuple(
        Point(label=label, seed=seed, config=known, steps={"score": f"{label}-s{seed}"})
        for label in labels(spec)
        for seed in spec.seeds
    )
    plan = Plan(
        ablation=spec.name,
        question=spec.question,
        source=spec.source,
        baseline=spec.baseline,
        published=spec.published,
        table=spec.table,
        points=points,
    )
    return Runs(plan=plan)


def write_table(table: Table, folder: Path) -> dict[str, Path]:
    """`<name>.md`, `.tex`, `.csv` and `.html` in `folder`; returns their paths by ending."""
    texts: Mapping[str, str] = {
        "md": to_markdown(table),
        "tex": to_latex(table),
        "csv": to_csv(table),
        "html": to_html(table),
    }
    folder.mkdir(parents=True, exist_ok=True)
    return {ending: write_whole(folder / f"{table.name}.{ending}", text) for ending, text in texts.items()}

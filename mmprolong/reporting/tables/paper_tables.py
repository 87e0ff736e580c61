"""The tables of the papers, with our runs where a sweep was launched and without them where none was."""

import inspect
from pathlib import Path, PurePath

from mmprolong import plugins
from mmprolong.config.groups import PUBLISHED, TABLES, ablations, files_in, named
from mmprolong.errors import ConfigError, InvalidSettings, Problem
from mmprolong.pipeline.plan import Plan, Point, require_own_files
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table
from mmprolong.sweep.ablation import read_ablation


def table_names() -> list[str]:
    """Return the names in `analysis/tables`."""
    return list(files_in(TABLES))


def paper_table(name: str, runs: Runs | None = None) -> Table:
    """Make table `name`: our runs, if there are any, beside the published numbers.

    Raises:
        ConfigError: there is neither such a table nor such an ablation; names the nearest.
    """
    if runs is None and name in ablations():
        return table_of(_unlaunched(name))
    return _built(named(TABLES, name, "table"), runs, Published(files_in(PUBLISHED)))


def table_of(runs: Runs) -> Table:
    """Make the table that the plan of `runs` names, beside the published one; arms by length if it names none.

    Raises:
        ConfigError: there is no such table; names the nearest.
    """
    if not runs.plan.table:
        return ablation_table(runs, runs.plan.ablation)
    if runs.plan.table not in files_in(TABLES):
        require_own_files(runs.plan)
    return paper_table(runs.plan.table, runs)


def check_table(plan: Plan) -> None:
    """Build a sweep's table before there is a result, so that a mistake in its files is found before anything runs.

    Raises:
        ConfigError: the table's file makes none; a published file has another shape, or is not read by the table.
    """
    published = Published(files_in(PUBLISHED))
    if plan.table:
        _built(named(TABLES, plan.table, "sweep.table"), Runs(plan=plan), published)
    if plan.table and plan.published and PurePath(plan.published).stem not in published.read:
        found = ", ".join(f"{name}.csv" for name in sorted(published.read)) or "none"
        says = f"{plan.published!r}, but table {plan.table!r} reads {found}; name one of these"
        raise InvalidSettings(Problem("sweep.published", says))


def _built(path: Path, runs: Runs | None, published: Published) -> Table:
    """Make the table of a file by its `build(runs, published)`."""
    build = plugins.load_file(path, "build").build
    try:
        inspect.signature(build).bind(runs, published)
    except TypeError as error:
        raise ConfigError(f"{path}: build: {error}; define build(runs, published)") from error
    made = build(runs, published)
    if not isinstance(made, Table):
        raise ConfigError(f"{path}: build returns {type(made).__name__}; return a Table of mmprolong.reporting.tables")
    return made


def _unlaunched(ablation: str) -> Runs:
    """Return the arms of an ablation's file as a plan of which nothing has run."""
    spec, config = read_ablation(ablation), {"suite": {}, "phases": {}}
    points = tuple(
        Point(label=label, seed=seed, config=config, steps={"score.any": f"{label}-s{seed}"})
        for label in spec.arms
        for seed in spec.seeds
    )
    plan = Plan(ablation=spec.name, question=spec.question, baseline=spec.baseline, table=spec.table, points=points)
    return Runs(plan=plan)

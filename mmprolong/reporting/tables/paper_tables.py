"""The tables of the papers, with our runs where a sweep was launched and without them where none was."""

from inspect import signature

from mmprolong import plugins
from mmprolong.config.groups import PUBLISHED, TABLES, ablations, files_in, named
from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import Plan, Point, require_own_files
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table
from mmprolong.sweep.ablation import read_ablation


def paper_table(name: str, runs: Runs | None = None) -> Table:
    """Make table `name`: our runs, if there are any, beside the published numbers.

    Raises:
        ConfigError: there is neither such a table nor such an ablation; names the nearest. Or its file makes none.
    """
    if runs is None and name in ablations():
        return table_of(_unlaunched(name))
    path, published = named(TABLES, name, "table"), Published(files_in(PUBLISHED))
    build = plugins.load_file(path, "build").build
    try:
        signature(build).bind(runs, published)
    except TypeError as error:
        raise ConfigError(f"{path}: build: {error}; define build(runs, published)") from error
    table = build(runs, published)
    if not isinstance(table, Table):
        raise ConfigError(f"{path}: build returned {table!r}; define build(runs, published) that returns a Table")
    return table


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
        ConfigError: the table's file makes none.
    """
    table_of(Runs(plan=plan))


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

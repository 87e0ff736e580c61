"""The tables of the papers, with our runs where a sweep was launched and without them where none was."""

import inspect
from pathlib import Path

from mmprolong import plugins
from mmprolong.config.groups import PUBLISHED, TABLES, ablations, files_in, named
from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import with_own_files
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.sources.unlaunched import unlaunched
from mmprolong.reporting.tables.ablation_table import ablation_table as arms_by_length
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.table import Table


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
    return built(named(TABLES, name, "table"), runs, Published(files_in(PUBLISHED)))


def built(path: Path, runs: Runs | None, published: Published) -> Table:
    """What the file of a table makes of runs and published numbers.

    Raises:
        ConfigError: the file has no `build(runs, published)` that returns a `Table`.
    """
    build = plugins.load_file(path, "build").build
    try:
        inspect.signature(build).bind(runs, published)
    except TypeError as error:
        raise ConfigError(f"{path}: build: {error}; define build(runs, published)") from error
    made = build(runs, published)
    if not isinstance(made, Table):
        raise ConfigError(f"{path}: build returns {type(made).__name__}; return a Table of mmprolong.reporting.tables")
    return made


def ablation_table(runs: Runs) -> Table:
    """The table that the plan of `runs` names, beside the published one; arms by evaluated length if it names none.

    Raises:
        ConfigError: there is no such table; names the nearest.
    """
    if not runs.plan.table:
        return arms_by_length(runs, runs.plan.ablation)
    with with_own_files(runs.plan):
        return paper_table(runs.plan.table, runs)

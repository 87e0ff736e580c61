"""Build a sweep's table before there is a result: what is wrong with its files is found before anything runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from mmprolong.config.groups import PUBLISHED, TABLES, files_in, named
from mmprolong.errors import InvalidSettings, Problem
from mmprolong.pipeline.plan import Plan
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.paper_tables import built
from mmprolong.reporting.tables.published import Published


@dataclass(frozen=True, slots=True)
class _Noting(Published):
    """Published tables that note which of them are read."""

    read: set[str] = field(default_factory=set)

    def rows(
        self, table: str, where: Mapping[str, str] | None = None, columns: Iterable[str] = ()
    ) -> list[dict[str, str]]:
        """Return what `Published` does."""
        self.read.add(table)
        return Published.rows(self, table, where, columns)


def check_table(plan: Plan) -> None:
    """Refuse a plan whose table cannot be printed, or does not show what the plan says is published.

    Raises:
        ConfigError: the table's file makes none; a published file has another shape than its table needs, or is not
            read by it.
    """
    if not plan.table:
        return
    published = _Noting(files_in(PUBLISHED))
    built(named(TABLES, plan.table, "sweep.table"), Runs(plan=plan), published)
    if plan.published and PurePath(plan.published).stem not in published.read:
        found = ", ".join(f"{name}.csv" for name in sorted(published.read)) or "none"
        says = f"{plan.published!r}, but table {plan.table!r} reads {found}; name one of these"
        raise InvalidSettings(Problem("sweep.published", says))

"""Points by stages: one cell a step, a row a label or more, and apart from them the steps that all points share."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.sweep.ablation import AXES
from mmprolong.sweep.standing import Standing

_ROWS = 60
"""Of more, those that are alike in their first axes are put together."""
_NAMED = 3
"""Points that a cell names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One step."""

    state: str
    says: str
    """For whom, and how far or why not."""
    share: int | None = None
    """Of a running step that is done [%]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The steps of one label, or of all that begin with it."""

    label: str
    points: int
    cells: Sequence[Sequence[Cell]]
    """By column: the different steps of the points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All steps of a plan, each once in a row."""

    columns: Sequence[str]
    """Roles in which points differ."""
    rows: Sequence[Row]
    shared: Sequence[tuple[str, Cell]]
    """Roles in which all points that have them are alike."""

    @property
    def widest(self) -> int:
        """The most cells that stand side by side."""
        return max((len(cells) for row in self.rows for cells in row.cells), default=0)


def grid(plan: Plan, where: Mapping[str, Standing]) -> Grid:
    """The steps of `plan` by label and role."""
    users = _users(plan)
    longest = sorted(plan.points, key=lambda point: -len(point.steps))  # has the roles in the order in which they run
    roles = list(dict.fromkeys(role for point in longest for role in point.steps))
    shared = [role for role in roles if len(users[role]) == 1 and len(plan.points) > 1]
    columns = [role for role in roles if role not in shared]
    rows = [
        Row(label=label, points=len(points), cells=[list(_cells(label, role, points, where)) for role in columns])
        for label, points in _rows(plan).items()
    ]
    alone = ((role, next(iter(users[role]))) for role in shared)
    return Grid(columns=columns, rows=rows, shared=[(role, _cell("all", where[step])) for role, step in alone])


def _users(plan: Plan) -> dict[str, set[str]]:
    """Steps by role."""
    users: dict[str, set[str]] = defaultdict(set)
    for point in plan.points:
        for role, step in point.steps.items():
            users[role].add(step)
    return users


def _rows(plan: Plan) -> dict[str, list[Point]]:
    """The points by label; of too many labels, by as many of their first axes as give few enough."""
    rows = plan.rows
    for kept in range(max(label.count(AXES) for label in rows), 0, -1):
        if len(rows) <= _ROWS:
            break
        rows = defaultdict(list)
        for point in plan.points:
            rows[AXES.join(point.label.split(AXES)[:kept])].append(point)
    return rows


def _cells(row: str, role: str, points: Sequence[Point], where: Mapping[str, Standing]) -> Iterator[Cell]:
    """One cell a different step, for the points that share it."""
    users: dict[str, list[str]] = defaultdict(list)
    for point in points:
        if role in point.steps:
            rest = point.label.removeprefix(row).removeprefix(AXES)
            users[point.steps[role]].append(f"{rest} seed {point.seed}".strip())
    for step, each in users.items():
        more = f" and {len(each) - _NAMED} more" if each[_NAMED:] else ""
        yield _cell(", ".join(each[:_NAMED]) + more, where[step])


def _cell(whose: str, at: Standing) -> Cell:
    share = round(100 * at.progress["done"] / max(at.progress["total"], 1)) if at.progress else None
    why = at.failure.message if at.failure else at.detail
    parts = [whose, at.state + (f" {share} %" if share is not None else ""), f"job {at.job}" if at.job else "", why]
    return Cell(state=at.state, says=", ".join(filter(None, parts)), share=share)

"""A table of the papers cell by cell: ours beside published. Needs no runs: what was not run prints `-`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev

from mmprolong.errors import ConfigError, nearest
from mmprolong.reporting.sources.runs import Result, Runs
from mmprolong.reporting.statistics.contrasts import Compared, compare, spread_notes
from mmprolong.reporting.tables.agreement import Agreement, agreement
from mmprolong.reporting.tables.cells import (
    NBSP,
    delta_cell,
    interval_cell,
    name_cell,
    p_cells,
    p_columns,
    provenance_columns,
    score_cell,
    seeds_cell,
    with_best,
)
from mmprolong.reporting.tables.digits import parsed, plain, signed
from mmprolong.reporting.tables.marks import progress, provenance_cells, trust_notes
from mmprolong.reporting.tables.measures import Measure
from mmprolong.reporting.tables.published import require_columns
from mmprolong.reporting.tables.summary import Line, finding
from mmprolong.reporting.tables.table import PRINT, Cell, Column, Table
from mmprolong.reporting.tables.tallies import tally

OURS = "ours [%]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What a paper prints: rows of text cells, the first column of which names the row."""

    name: str
    """File in analysis/tables."""
    title: str
    source: str
    """Paper and table."""
    key: str
    """Column that names a row; our labels are its texts."""
    rows: Sequence[Mapping[str, str]]
    headline: str = "overall"
    """Column whose differences are shown."""
    against: Mapping[str, str] = field(default_factory=dict)
    """Row -> the row that it is compared with."""
    notes: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """Heading over the published columns."""
        return f"published ({self.source.partition(',')[0]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Our finished runs of one row and what they say of the headline [%]."""

    results: Sequence[Result] = ()
    planned: int = 0
    mean: float | None = None
    sd: float | None = None
    delta: float | None = None
    compared: Compared = field(default_factory=Compared)

    @property
    def partial(self) -> bool:
        """Whether runs are missing."""
        return len(self.results) < self.planned


def comparison_table(paper: Paper, measures: Sequence[Measure], runs: Runs | None = None) -> Table:
    """The rows of `paper`, then those of our plan that it does not have; our columns, then the published ones.

    Raises:
        ConfigError: the published rows lack a column.
    """
    require_columns(paper.name, paper.rows, [paper.key, *(measure.column for measure in measures)])
    printed = {row[paper.key]: row for row in paper.rows}
    planned = runs.plan.labels if runs else []
    labels = [*printed, *(label for label in planned if label not in printed)]
    ours = _compared(paper, measures, {label: _row(runs, label) for label in labels})
    shown = [measure for measure in measures if measure.column == paper.headline or _asked(measure, ours)]
    name = Column(key=paper.key.replace(" ", "_"), title=paper.key, numeric=False)
    columns = (name, *_own_columns(paper, shown), *_published_columns(paper, measures), *provenance_columns())
    rows = [
        [
            name_cell(label, runs is not None and label in runs.stale),
            *_own_cells(ours[label], ours.get(paper.against.get(label, ""), _Row()), shown, paper),
            *_published_cells(printed, label, measures, paper),
            *provenance_cells(runs, label),
        ]
        for label in labels
    ]
    return Table(
        name=paper.name,
        title=paper.title + progress(runs),
        caption=runs.plan.question if runs else "",
        columns=columns,
        rows=with_best(rows, columns),
        notes=(*_notes(paper, ours), *(trust_notes(runs) if runs else []), *paper.notes),
        comparisons=_comparisons(paper, ours),
        finding=_finding(runs, paper, ours) if runs else (),
        agreements=_agreements(paper, ours, printed),
    )


def published_baseline(rows: Sequence[Mapping[str, str]], key: str, baseline: str) -> dict[str, str]:
    """Every row compared with one of them.

    Raises:
        ConfigError: the rows have no such column, or none of them is the baseline.
    """
    require_columns("rows", rows, [key])
    names = [row[key] for row in rows]
    if rows and baseline not in names:
        what = f"{key} {baseline!r}, with which the others are compared, is no row"
        raise ConfigError(f"published rows: {what}; {nearest(baseline, names)}")
    return {name: baseline for name in names if name != baseline}


def _row(runs: Runs | None, label: str) -> _Row:
    known = runs is not None and label in runs.plan.labels
    return _Row(results=runs.of(label), planned=runs.planned(label)) if known and runs else _Row()


def _compared(paper: Paper, measures: Sequence[Measure], rows: Mapping[str, _Row]) -> dict[str, _Row]:
    headline = next(measure for measure in measures if measure.column == paper.headline)
    found = {label: tally(headline, row.results, row.planned) for label, row in rows.items()}
    tallies = {label: one for label, one in found.items() if one is not None}
    planned = {label: other for label, other in paper.against.items() if _planned(rows, label, other)}
    compared = compare(tallies, planned)
    values = {label: _values(headline, row.results) for label, row in rows.items()}
    return {
        label: replace(
            row,
            mean=_mean(values[label]),
            sd=stdev(values[label]) if len(values[label]) > 1 else None,
            delta=_minus(_mean(values[label]), _mean(values.get(paper.against.get(label, ""), []))),
            compared=compared.get(label, Compared()),
        )
        for label, row in rows.items()
    }


def _finding(runs: Runs, paper: Paper, rows: Mapping[str, _Row]) -> tuple[str, ...]:
    """In sentences what the columns of the headline show."""
    lines = {
        label: Line(score=row.mean, delta=row.delta, against=paper.against.get(label, ""), compared=row.compared)
        for label, row in rows.items()
    }
    return tuple(finding(runs, paper.headline, lines))


def _planned(rows: Mapping[str, _Row], *labels: str) -> bool:
    return all(label in rows and rows[label].planned for label in labels)


def _comparisons(paper: Paper, rows: Mapping[str, _Row]) -> int:
    return sum(_planned(rows, label, other) for label, other in paper.against.items())


def _asked(measure: Measure, rows: Mapping[str, _Row]) -> bool:
    """Whether any of our runs has this column; those that none has are left out, but for the headline."""
    return any(_values(measure, row.results) for row in rows.values())


def _values(measure: Measure, results: Sequence[Result]) -> list[float]:
    """The score of every run [%]; none if one of them was not asked."""
    values = [measure.of(result) for result in results]
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else []


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _own_columns(paper: Paper, measures: Sequence[Measure]) -> list[Column]:
    columns = [Column(key="seeds", title="seeds")]
    for measure in measures:
        column = Column.of_side("ours", measure.column, OURS, score=True)
        columns.append(column)
        if measure.column == paper.headline:
            title = f"95{NBSP}%"
            columns.append(Column(key="interval", title=title, group=OURS, flat=f"{column.flat} {title}", only=PRINT))
    if paper.against:
        columns.append(Column(key="delta", title=f"Δ {paper.headline} [95{NBSP}%]", group=OURS))
        columns += p_columns(OURS)
    return columns


def _published_columns(paper: Paper, measures: Sequence[Measure]) -> list[Column]:
    scores = [Column.of_side("published", measure.column, paper.group, score=True) for measure in measures]
    delta = Column(key="published_delta", title="Δ", group=paper.group, flat=f"published Δ {paper.headline}")
    return [*scores, *([delta] if paper.against else [])]


def _own_cells(row: _Row, baseline: _Row, measures: Sequence[Measure], paper: Paper) -> list[Cell]:
    cells = [seeds_cell(len(row.results), row.planned)]
    for measure in measures:
        if measure.column == paper.headline:
            cells += [score_cell(row.mean, row.sd, row.compared), interval_cell(row.compared)]
        else:
            value = _mean(_values(measure, row.results))
            cells.append(Cell() if value is None else Cell(text=plain(value), value=value))
    if paper.against:
        cells += [delta_cell(row.delta, row.compared, row.partial or baseline.partial), *p_cells(row.compared)]
    return cells


def _published_cells(
    printed: Mapping[str, Mapping[str, str]], label: str, measures: Sequence[Measure], paper: Paper
) -> list[Cell]:
    row = printed.get(label, {})
    cells = [_as_printed(row.get(measure.column, "")) for measure in measures]
    if not paper.against:
        return cells
    delta = _published_delta(printed, label, paper)
    return [*cells, Cell() if delta is None else Cell(text=signed(delta, 2), value=delta)]


def _as_printed(text: str) -> Cell:
    value = parsed(text)
    return Cell(text=text or "-") if value is None else Cell(text=text, value=value)


def _published_delta(printed: Mapping[str, Mapping[str, str]], label: str, paper: Paper) -> float | None:
    one, other = printed.get(label, {}), printed.get(paper.against.get(label, ""), {})
    return _minus(parsed(one.get(paper.headline, "")), parsed(other.get(paper.headline, "")))


def _agreements(
    paper: Paper, ours: Mapping[str, _Row], printed: Mapping[str, Mapping[str, str]]
) -> tuple[Agreement, ...]:
    found: list[Agreement] = []
    for label, other in paper.against.items():
        theirs, row = _published_delta(printed, label, paper), ours[label]
        if theirs is None or row.delta is None:
            continue
        found.append(agreement(label, other, paper.headline, theirs, row.delta, row.compared))
    return tuple(found)


def _notes(paper: Paper, ours: Mapping[str, _Row]) -> list[str]:
    notes = [f"Published: {paper.source}; one run a row, no intervals."]
    if not any(row.results for row in ours.values()):
        return [*notes, "Ours: not run."]
    notes.append(
        "Ours: mean ± standard deviation over seeds; [ ] are 95 % intervals over documents, and over seeds where there "
        "are at least two. ≈: not told apart from our best."
    )
    told = f"p and *: Δ is clear of 0 after Holm's correction over {_comparisons(paper, ours)}; ns: it is not."
    if not any(row.compared.difference for row in ours.values()):
        return notes
    return [*notes, told, *spread_notes({label: row.compared for label, row in ours.items()})]

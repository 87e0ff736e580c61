"""A table of the papers cell by cell: ours beside published. Needs no runs: what was not run prints `-`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mmprolong.reporting.agreement import Agreement, verdict
from mmprolong.reporting.digits import plain, signed
from mmprolong.reporting.measures import Measure
from mmprolong.reporting.runs import Result, Runs
from mmprolong.reporting.statistics import Estimate, difference, holm, mean
from mmprolong.reporting.table import Cell, Column, Table
from mmprolong.reporting.tallies import tally

OURS = "ours [%]"
A, B = "arXiv 2605.13831", "arXiv 2602.15257"


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
    """Our finished runs of one row and what they say of the headline."""

    results: Sequence[Result]
    planned: int
    headline: Estimate | None = None
    delta: float | None = None
    difference: Estimate | None = None
    clear: bool = False


def comparison_table(paper: Paper, measures: Sequence[Measure], runs: Runs | None = None) -> Table:
    """The rows of `paper`, then those of our plan that it does not have; our columns, then the published ones."""
    printed = {row[paper.key]: row for row in paper.rows}
    planned = runs.plan.labels if runs else []
    labels = [*printed, *(label for label in planned if label not in printed)]
    ours = _compared(paper, measures, {label: _row(runs, label) for label in labels})
    shown = [measure for measure in measures if measure.column == paper.headline or _asked(measure, ours)]
    own, theirs = _own_columns(paper, shown), _published_columns(paper, measures)
    rows = [
        [
            Cell(text=label),
            *_own_cells(ours[label], shown, paper),
            *_published_cells(printed, label, measures, paper),
        ]
        for label in labels
    ]
    return Table(
        name=paper.name,
        title=paper.title,
        caption=runs.plan.question if runs else "",
        columns=(Column(key=paper.key.replace(" ", "_"), title=paper.key, numeric=False), *own, *theirs),
        rows=tuple(tuple(row) for row in best_in_bold(rows, [Column(key="", title=""), *own, *theirs])),
        notes=(*_notes(paper, ours), *paper.notes),
        agreements=_agreements(paper, ours, printed),
    )


def published_baseline(rows: Sequence[Mapping[str, str]], key: str, baseline: str) -> dict[str, str]:
    """Every row compared with one of them."""
    return {row[key]: baseline for row in rows if row[key] != baseline}


def best_in_bold(rows: Sequence[Sequence[Cell]], columns: Sequence[Column]) -> list[list[Cell]]:
    """The rows with the best of each column of scores marked; what prints alike is equally good."""
    made = [list(row) for row in rows]
    for index, column in enumerate(columns):
        texts = {row[index].text: row[index].value for row in made if row[index].value is not None}
        if column.group == "" or column.key.endswith("delta") or len(texts) < 2:
            continue
        best = max(texts, key=lambda text: texts[text] or 0.0)
        for row in made:
            row[index] = replace(row[index], best=row[index].text == best)
    return made


def _row(runs: Runs | None, label: str) -> _Row:
    known = runs is not None and label in runs.plan.labels
    return _Row(results=runs.of(label), planned=runs.planned(label)) if known and runs else _Row(results=(), planned=0)


def _compared(paper: Paper, measures: Sequence[Measure], rows: Mapping[str, _Row]) -> dict[str, _Row]:
    headline = next(measure for measure in measures if measure.column == paper.headline)
    tallies = {label: tally(headline, row.results) for label, row in rows.items()}
    values = {label: _mean(headline, row.results) for label, row in rows.items()}
    pool = [arm for arm in tallies.values() if arm is not None]
    found: dict[str, Estimate] = {}
    for label, other in paper.against.items():
        one, base = tallies.get(label), tallies.get(other)
        if one is not None and base is not None:
            found[label] = difference(one, base, pool=pool)
    adjusted = holm({label: estimate.p for label, estimate in found.items()})
    made: dict[str, _Row] = {}
    for label, row in rows.items():
        arm, estimate = tallies[label], found.get(label)
        made[label] = replace(
            row,
            headline=mean(arm) if arm is not None else None,
            delta=_minus(values[label], values.get(paper.against.get(label, ""))),
            difference=estimate,
            clear=estimate is not None and estimate.clear and adjusted[label] < 0.05,
        )
    return made


def _asked(measure: Measure, rows: Mapping[str, _Row]) -> bool:
    """Whether any of our runs has this column; those that none has are left out, but for the headline."""
    return any(_mean(measure, row.results) is not None for row in rows.values())


def _mean(measure: Measure, results: Sequence[Result]) -> float | None:
    values = [measure.of(result) for result in results]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _own_columns(paper: Paper, measures: Sequence[Measure]) -> list[Column]:
    scores = [_column(measure, "ours", OURS) for measure in measures]
    delta = Column(key="delta", title=f"Δ {paper.headline} [95\u00a0%]", group=OURS)
    return [Column(key="seeds", title="seeds"), *scores, *([delta] if paper.against else [])]


def _published_columns(paper: Paper, measures: Sequence[Measure]) -> list[Column]:
    scores = [_column(measure, "published", paper.group) for measure in measures]
    delta = Column(key="published_delta", title="Δ", group=paper.group, flat=f"published Δ {paper.headline}")
    return [*scores, *([delta] if paper.against else [])]


def _column(measure: Measure, whose: str, group: str) -> Column:
    title = measure.title or measure.column
    return Column(key=f"{whose}_{measure.column}".replace(" ", "_"), title=title, group=group, flat=f"{whose} {title}")


def _own_cells(row: _Row, measures: Sequence[Measure], paper: Paper) -> list[Cell]:
    seeds = Cell(text=f"{len(row.results)}/{row.planned}") if row.planned else Cell()
    scores = [_score(_mean(measure, row.results), row, measure.column == paper.headline) for measure in measures]
    return [seeds, *scores, *([_delta(row)] if paper.against else [])]


def _score(value: float | None, row: _Row, headline: bool) -> Cell:
    if value is None:
        return Cell()
    if not headline or row.headline is None:
        return Cell(text=plain(value), value=value)
    low, high, half = (100 * end for end in (row.headline.low, row.headline.high, row.headline.half))
    return Cell(text=f"{plain(value)} ± {plain(half)}", value=value, low=low, high=high)


def _delta(row: _Row) -> Cell:
    if row.delta is None:
        return Cell()
    if row.difference is None:
        return Cell(text=signed(row.delta), value=row.delta)
    low, high = 100 * row.difference.low, 100 * row.difference.high
    text = f"{signed(row.delta)} [{signed(low)}, {signed(high)}]"
    return Cell(text=text, value=row.delta, low=low, high=high, mark=" *" if row.clear else " ns")


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
    number = _number(text)
    return Cell(text=text or "-") if number is None else Cell(text=text, value=number)


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _published_delta(printed: Mapping[str, Mapping[str, str]], label: str, paper: Paper) -> float | None:
    one, other = printed.get(label, {}), printed.get(paper.against.get(label, ""), {})
    return _minus(_number(one.get(paper.headline)), _number(other.get(paper.headline)))


def _agreements(
    paper: Paper, ours: Mapping[str, _Row], printed: Mapping[str, Mapping[str, str]]
) -> tuple[Agreement, ...]:
    found: list[Agreement] = []
    for label, other in paper.against.items():
        theirs, row = _published_delta(printed, label, paper), ours[label]
        if theirs is None or row.delta is None:
            continue
        interval = row.difference
        low, high = (100 * interval.low, 100 * interval.high) if interval else (None, None)
        found.append(
            Agreement(
                measure=paper.headline,
                arm=label,
                baseline=other,
                published=theirs,
                ours=row.delta,
                low=low,
                high=high,
                verdict=verdict(theirs, low, high),
            )
        )
    return tuple(found)


def _notes(paper: Paper, ours: Mapping[str, _Row]) -> list[str]:
    notes = [f"Published: {paper.source}; one run a row, no intervals."]
    if not any(row.results for row in ours.values()):
        return [*notes, "Ours: not run."]
    notes.append("Ours: ± and [ ] are 95 % intervals over documents, and over seeds where there are at least two.")
    compared = sum(row.difference is not None for row in ours.values())
    return (
        [*notes, f"*: Δ is clear of 0 after Holm's correction over {compared}; ns: it is not."] if compared else notes
    )

"""The columns of a table with scores: seeds, means and differences of our runs, and the published numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import stdev
from typing import NamedTuple

from mmprolong.records import Average
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import (
    Contrast,
    arms_of,
    compare,
    estimates,
    means_of,
    near_best,
    run_means,
)
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.model import NBSP, Cell, Column
from mmprolong.reporting.tables.published import interval, parsed, plain, signed

Row = Mapping[str, float | str]
"""Published cells by column, as printed or as means."""
Field = tuple[Column, Callable[[str], Cell]]
"""A column, and the function that makes its cell in the row of a label."""


class ScoreColumn(NamedTuple):
    """A mean over cells [%]."""

    title: str
    average: Average
    """Empty: it was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The rows and columns of a table of scores."""

    key: str = "arm"
    """Heading of the rows' names."""
    rows: Sequence[str]
    scores: Iterable[ScoreColumn]
    headline: ScoreColumn
    contrasts: Sequence[Contrast] = ()
    """The first one is the table's Δ, beside which the published differences stand."""
    published: Mapping[str, Row] = field(default_factory=dict)
    """By row."""
    more: Sequence[Field] = ()
    """Columns before the scores."""
    intervals: bool = False
    """Every score has its interval, and not the headline alone."""


class Rows:
    """The rows of a table, measured, and their cells by label."""

    def __init__(self, layout: Layout, runs: Runs) -> None:
        average = layout.headline.average
        self.layout, self.runs = layout, runs
        self.means, self.arms = estimates(runs, average), arms_of(runs, average)
        self.compared = compare(runs, layout.contrasts, average)
        self.pairs = {label: other.row for each in layout.contrasts[:1] for label, other in each.pairs.items()}
        planned = {(at, self.pairs[at]): one for (key, at), one in self.compared.items() if key == "delta"}
        self.near_best = near_best(self.arms, planned)

    def seeds(self, label: str) -> Cell:
        """'(2/3)': runs that have a result, of those that are planned; nothing for a row that is not ours."""
        planned = self.runs.planned(label)
        return Cell(text=f"({len(self.runs.of(label))}/{planned})") if planned else Cell()

    def marks(self, label: str) -> Cell:
        """'partial stale': runs are missing; the ablation would plan others today."""
        partial = len(self.runs.of(label)) < self.runs.planned(label)
        return Cell(text=" ".join(["partial"] * partial + ["stale"] * (label in self.runs.stale)))

    def questions(self, label: str) -> Cell:
        """Number of questions that each run answered."""
        return Cell.count(next((result.questions for result in self.runs.of(label)), None))

    def headline(self, label: str) -> Cell:
        """'89.4 ± 1.2': mean and standard deviation over seeds; '-' for the deviation of a single run."""
        if label not in self.means:
            return Cell()
        values = run_means(self.runs.of(label), self.layout.headline.average)
        sd = 100 * stdev(values) if len(values) > 1 else None
        cell = score_cell(self.means, label)
        text = f"{plain(cell.value or 0.0)} ± {'-' if sd is None else plain(sd)}"
        return replace(cell, text=text, sd=sd, symbol=" ≈" if label in self.near_best else "")

    def interval(self, label: str) -> Cell:
        """'[85.9, 92.9]'."""
        known = label in self.means and self.means[label].has_interval
        return Cell(text=interval(self.means[label])) if known else Cell()

    def delta(self, contrast: Contrast, label: str) -> Cell:
        """'+1.4 [−0.6, +3.5] ns': a difference with its 95 % interval, and whether it is told apart from 0."""
        one = self.compared.get((contrast.key, label))
        if one is None or one.difference is None:
            return Cell()
        found = one.difference
        cell = Cell(text=signed(100 * found.value), value=100 * found.value)
        if not found.has_interval:
            return cell
        low, high, symbol = 100 * found.low, 100 * found.high, " *" if one.clear else " ns"
        return replace(cell, text=f"{cell.text} [{signed(low)}, {signed(high)}]", low=low, high=high, symbol=symbol)

    def p(self, contrast: Contrast, label: str) -> Cell:
        """'0.012', or '<0.001': after Holm's correction."""
        one = self.compared.get((contrast.key, label))
        if one is None or one.difference is None or not one.difference.has_interval:
            return Cell()
        return Cell(text="<0.001" if one.p < 0.001 else f"{one.p:.3f}", value=one.p)

    def published(self, column: str, label: str) -> Cell:
        """As printed."""
        found = self.layout.published.get(label, {}).get(column, "")
        return Cell(text=plain(found, 2) if isinstance(found, float) else str(found or "-"), value=parsed(found))

    def published_delta(self, label: str) -> Cell:
        """'−1.05'."""
        title = self.layout.headline.title
        one, other = (self.published(title, row).value for row in (label, self.pairs.get(label, "")))
        return Cell() if one is None or other is None else Cell(text=signed(one - other, 2), value=one - other)


def columns_of(rows: Rows) -> Iterator[Field]:
    """Yield the columns from left to right: ours, then the published ones."""
    layout, runs = rows.layout, rows.runs
    yield Column.of(layout.key, numeric=False), lambda label: Cell(text=label)
    yield Column.of("seeds"), rows.seeds
    if any(rows.marks(label).text for label in layout.rows):
        yield Column.of("marks", numeric=False), rows.marks
    yield Column.of("n"), rows.questions
    yield from layout.more
    for title, average in layout.scores:
        bare = {label: Estimate.bare(value) for label, value in means_of(runs, average).items()}
        if found := estimates(runs, average) if layout.intervals else bare:
            yield Column.of(title, score=True), partial(score_cell, found)
    title, reach = layout.headline.title, f"95{NBSP}%"
    yield Column(key=title.replace(" ", "_"), title=f"{title} ± sd", score=True), rows.headline
    yield Column(key="interval", title=f"{title} {reach}"), rows.interval
    for number, contrast in enumerate(layout.contrasts):
        yield Column(key=contrast.key, title=f"{contrast.title} [{reach}]"), partial(rows.delta, contrast)
        if number == 0:
            yield Column(key="p_holm", title="p (Holm)"), partial(rows.p, contrast)
    for name in dict.fromkeys(name for row in layout.published.values() for name in row):
        yield Column.of(f"published {name}", score=True), partial(rows.published, name)
    if layout.published and rows.pairs:
        yield Column(key="published_delta", title=f"published Δ {title}"), rows.published_delta


def score_cell(found: Mapping[str, Estimate], label: str) -> Cell:
    """Return '89.4', or '89.4 [85.9, 92.9]'."""
    if label not in found:
        return Cell()
    one = found[label]
    cell = Cell(text=plain(100 * one.value), value=100 * one.value)
    if not one.has_interval:
        return cell
    return replace(cell, text=f"{cell.text} {interval(one)}", low=100 * one.low, high=100 * one.high)

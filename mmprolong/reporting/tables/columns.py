"""The columns of a table with scores: what each row says of our runs, and of the published ones."""

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
from mmprolong.reporting.tables.model import CSV, NBSP, PRINT, Cell, Column, key_of
from mmprolong.reporting.tables.notes import PARTIAL, STALE, commits
from mmprolong.reporting.tables.published import interval, parsed, plain, signed

Row = Mapping[str, float | str]
"""Published cells by column, as printed or as means."""
Field = tuple[Column, Callable[[str], Cell]]
"""A column, and what makes its cell in the row of a label."""


class ScoreColumn(NamedTuple):
    """A mean over cells [%]."""

    title: str
    average: Average
    """Empty: it was not asked."""
    group: str = ""
    name: str = ""
    """In CSV and where groups cannot be drawn; empty: the title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a table of scores shows."""

    key: str = "arm"
    """Heading of the rows' names."""
    rows: Sequence[str]
    scores: Iterable[ScoreColumn]
    headline: ScoreColumn
    contrasts: Sequence[Contrast] = ()
    """The first one is the table's Δ, which the published differences are set against."""
    published: Mapping[str, Row] = field(default_factory=dict)
    """By row."""
    paper: str = ""
    """Heading over the published columns."""
    compared: Mapping[str, ScoreColumn] = field(default_factory=dict)
    """Further published columns whose differences are set against ours."""
    more: Sequence[Field] = ()
    """Columns before the scores."""
    intervals: bool = False
    """Whether every score has its interval, and not the headline alone."""

    @property
    def pairs(self) -> dict[str, str]:
        """The row with which each is compared in the table's Δ."""
        return {label: other.row for contrast in self.contrasts[:1] for label, other in contrast.pairs.items()}

    def published_delta(self, column: str, label: str) -> float | None:
        """Return the published difference of a row to the one that it is compared with."""
        pair = (label, self.pairs.get(label, ""))
        one, other = (parsed(self.published.get(row, {}).get(column, "")) for row in pair)
        return None if one is None or other is None else one - other


class Rows:
    """The rows of a table, measured, and their cells by label."""

    def __init__(self, layout: Layout, runs: Runs) -> None:
        average = layout.headline.average
        self.layout, self.runs = layout, runs
        self.means, self.arms = estimates(runs, average), arms_of(runs, average)
        self.compared = compare(runs, layout.contrasts, average)
        self.deltas = {label: one for (key, label), one in self.compared.items() if key == "delta"}
        self.near_best = near_best(self.arms, {(row, layout.pairs[row]): one for row, one in self.deltas.items()})

    def partial(self, *labels: str) -> str:
        """Return the mark of rows of which runs are missing."""
        return f" {PARTIAL}" if any(len(self.runs.of(row)) < self.runs.planned(row) for row in labels) else ""

    def name(self, label: str) -> Cell:
        """The label."""
        return Cell(text=label, symbol=f" {STALE}" if label in self.runs.stale else "")

    def seeds(self, label: str) -> Cell:
        """'(2/3)': runs that have a result, of those that are planned; nothing for a row that is not ours."""
        planned = self.runs.planned(label)
        text = f"({len(self.runs.of(label))}/{planned})"
        return Cell(text=text, symbol=self.partial(label)) if planned else Cell()

    def questions(self, label: str) -> Cell:
        """How many each run answered."""
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
        found, mark = one.difference, self.partial(label, contrast.pairs[label].row)
        cell = Cell(text=signed(100 * found.value), value=100 * found.value, symbol=mark)
        if not found.has_interval:
            return cell
        low, high, sure = 100 * found.low, 100 * found.high, "*" if one.clear else "ns"
        text = f"{cell.text} [{signed(low)}, {signed(high)}]"
        return replace(cell, text=text, low=low, high=high, symbol=f" {sure}{mark.strip()}")

    def p(self, corrected: bool, label: str) -> Cell:
        """'0.012', or '<0.001': of the table's Δ."""
        one = self.deltas.get(label)
        if one is None or one.difference is None or not one.difference.has_interval:
            return Cell()
        value = one.p if corrected else one.difference.p
        return Cell(text="<0.001" if value < 0.001 else f"{value:.3f}", value=value)

    def published(self, column: str, label: str) -> Cell:
        """As printed."""
        found = self.layout.published.get(label, {}).get(column, "")
        return Cell(text=plain(found, 2) if isinstance(found, float) else str(found or "-"), value=parsed(found))

    def published_delta(self, label: str) -> Cell:
        """'−1.05'."""
        value = self.layout.published_delta(self.layout.headline.title, label)
        return Cell() if value is None else Cell(text=signed(value, 2), value=value)

    def marks(self, label: str) -> Cell:
        """'partial stale'."""
        on = (("partial", self.partial(label)), ("stale", label in self.runs.stale))
        return Cell(text=" ".join(word for word, holds in on if holds)) if self.runs.planned(label) else Cell()

    def commit(self, label: str) -> Cell:
        """Of the code behind the row."""
        return Cell(text=" ".join(commits(self.runs, label)) or "unknown") if self.runs.of(label) else Cell()


def columns_of(rows: Rows) -> Iterator[Field]:
    """Yield the columns from left to right: ours, the published ones, and what CSV says of where a row comes from."""
    layout, runs = rows.layout, rows.runs
    yield Column(key=key_of(layout.key), title=layout.key, numeric=False), rows.name
    yield Column(key="seeds", title="seeds"), rows.seeds
    yield Column(key="n", title="n"), rows.questions
    yield from layout.more
    for title, average, group, name in layout.scores:
        bare = {label: Estimate.bare(value) for label, value in means_of(runs, average).items()}
        if found := estimates(runs, average) if layout.intervals else bare:
            flat = name or title
            column = Column(key=key_of(flat), title=title, group=group, flat=flat, score=True)
            yield column, partial(score_cell, found)
    title = layout.headline.title
    group, reach = f"{title} [%]", f"95{NBSP}%"
    yield Column(key=key_of(title), title="mean ± sd", group=group, flat=f"{title} ± sd", score=True), rows.headline
    yield Column(key="interval", title=reach, group=group, flat=f"{title} {reach}", only=PRINT), rows.interval
    for number, contrast in enumerate(layout.contrasts):
        column = Column(key=contrast.key, title=f"{contrast.title} [{reach}]", group=group)
        yield column, partial(rows.delta, contrast)
        if number == 0:
            yield Column(key="p", title="p", only=CSV), partial(rows.p, False)
            yield Column(key="p_holm", title="p (Holm)", group=group), partial(rows.p, True)
    for name in dict.fromkeys(name for row in layout.published.values() for name in row):
        yield Column.published(name, layout.paper, score=True), partial(rows.published, name)
    if layout.published and layout.pairs:
        flat = f"published Δ {title}"
        yield Column(key="published_delta", title="Δ", group=layout.paper, flat=flat), rows.published_delta
    yield Column(key="marks", title="marks", numeric=False, only=CSV), rows.marks
    yield Column(key="commit", title="commit", numeric=False, only=CSV), rows.commit


def score_cell(found: Mapping[str, Estimate], label: str) -> Cell:
    """'89.4', or '89.4 [85.9, 92.9]'."""
    if label not in found:
        return Cell()
    one = found[label]
    cell = Cell(text=plain(100 * one.value), value=100 * one.value)
    if not one.has_interval:
        return cell
    return replace(cell, text=f"{cell.text} {interval(one)}", low=100 * one.low, high=100 * one.high)

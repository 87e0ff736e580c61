"""A table of scores: seeds, means and differences of our runs, and apart from them the published numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
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
    run_means,
    ties_with_best,
)
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.model import NBSP, Cell, Column, Table, with_best
from mmprolong.reporting.tables.notes import override_notes, progress, statistics_notes, trust_notes
from mmprolong.reporting.tables.published import interval, parsed, plain, signed

Row = Mapping[str, float | str]
"""Published cells by column, as printed or as means."""
Field = tuple[Column, Callable[[str], Cell]]
"""A column, and the function that makes its cell in the row of a label."""


class ScoreColumn(NamedTuple):
    """A mean over cells [%]."""

    title: str
    average: Average
    """Empty: it was not evaluated."""


@dataclass(frozen=True, kw_only=True)
class ScoreTable:
    """The runs of a plan, and which rows and columns show them; cells are made by the label of their row."""

    name: str
    title: str
    runs: Runs
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
    notes: Sequence[str] = ()

    def build(self) -> Table:
        """Make the table, with notes on what its numbers mean and how far they can be trusted."""
        runs, fields = self.runs, list(self._fields())
        columns = tuple(column for column, _ in fields)
        notes = ["Ours: not run.", *override_notes(runs)]
        if runs.results:
            arms = arms_of(runs, self.headline.average)
            notes = [*statistics_notes(self.headline.title, arms, len(self._compared)), *trust_notes(runs)]
        return Table(
            name=self.name,
            title=self.title + progress(runs),
            caption=runs.plan.question,
            columns=columns,
            rows=with_best([[make(label) for _, make in fields] for label in self.rows], columns),
            notes=(*notes, *self.notes),
            comparisons=len(self._compared),
        )

    def _fields(self) -> Iterator[Field]:
        """Yield the columns from left to right: ours, then the published ones."""
        runs = self.runs
        yield Column.of(self.key, numeric=False), lambda label: Cell(text=label)
        yield Column.of("seeds"), self._seeds
        if any(self._marks(label).text for label in self.rows):
            yield Column.of("marks", numeric=False), self._marks
        yield Column.of("n"), self._questions
        yield from self.more
        for title, average in self.scores:
            bare = {label: Estimate.bare(value) for label, value in means_of(runs, average).items()}
            if found := estimates(runs, average) if self.intervals else bare:
                yield Column.of(title, score=True), partial(_score, found)
        title, level = self.headline.title, f"95{NBSP}%"
        yield Column(key=title.replace(" ", "_"), title=f"{title} ± sd", score=True), self._headline
        yield Column(key="interval", title=f"{title} {level}"), self._interval
        for number, contrast in enumerate(self.contrasts):
            yield Column(key=contrast.key, title=f"{contrast.title} [{level}]"), partial(self._delta, contrast)
            if number == 0:
                yield Column(key="p_holm", title="p (Holm)"), partial(self._p, contrast)
        for name in dict.fromkeys(name for row in self.published.values() for name in row):
            yield Column.of(f"published {name}", score=True), partial(self._published, name)
        if self.published and self._opponents:
            yield Column(key="published_delta", title=f"published Δ {title}"), self._published_delta

    @cached_property
    def _means(self) -> dict[str, Estimate]:
        return estimates(self.runs, self.headline.average)

    @cached_property
    def _compared(self) -> dict[tuple[str, str], Estimate | None]:
        return compare(self.runs, self.contrasts, self.headline.average)

    @cached_property
    def _opponents(self) -> dict[str, str]:
        return {label: other.row for each in self.contrasts[:1] for label, other in each.pairs.items()}

    @cached_property
    def _ties(self) -> set[str]:
        planned = {(at, self._opponents[at]): one for (key, at), one in self._compared.items() if key == "delta"}
        return ties_with_best(arms_of(self.runs, self.headline.average), planned)

    def _seeds(self, label: str) -> Cell:
        """'(2/3)': runs that have a result, of those that are planned; nothing for a row that is not ours."""
        planned = self.runs.planned(label)
        return Cell(text=f"({len(self.runs.of(label))}/{planned})") if planned else Cell()

    def _marks(self, label: str) -> Cell:
        """'partial stale': runs are missing; the ablation would plan others today."""
        partial = len(self.runs.of(label)) < self.runs.planned(label)
        return Cell(text=" ".join(["partial"] * partial + ["stale"] * (label in self.runs.stale)))

    def _questions(self, label: str) -> Cell:
        return Cell.count(next((result.questions for result in self.runs.of(label)), None))

    def _headline(self, label: str) -> Cell:
        """'89.4 ± 1.2': mean and standard deviation over seeds; '-' for the deviation of a single run."""
        if label not in self._means:
            return Cell()
        values = run_means(self.runs.of(label), self.headline.average)
        sd = 100 * stdev(values) if len(values) > 1 else None
        cell = _score(self._means, label)
        text = f"{plain(cell.value or 0.0)} ± {'-' if sd is None else plain(sd)}"
        return replace(cell, text=text, sd=sd, symbol=" ≈" if label in self._ties else "")

    def _interval(self, label: str) -> Cell:
        """'[85.9, 92.9]'."""
        known = label in self._means and self._means[label].has_interval
        return Cell(text=interval(self._means[label])) if known else Cell()

    def _delta(self, contrast: Contrast, label: str) -> Cell:
        """'+1.4 [−0.6, +3.5] ns': a difference with its 95 % interval, and whether it is told apart from 0."""
        found = self._compared.get((contrast.key, label))
        if found is None:
            return Cell()
        cell = Cell(text=signed(100 * found.value), value=100 * found.value)
        if not found.has_interval:
            return cell
        low, high, symbol = 100 * found.low, 100 * found.high, " *" if found.clear else " ns"
        return replace(cell, text=f"{cell.text} [{signed(low)}, {signed(high)}]", low=low, high=high, symbol=symbol)

    def _p(self, contrast: Contrast, label: str) -> Cell:
        """'0.012', or '<0.001': after Holm's correction."""
        found = self._compared.get((contrast.key, label))
        if found is None or not found.has_interval:
            return Cell()
        return Cell(text="<0.001" if found.p < 0.001 else f"{found.p:.3f}", value=found.p)

    def _published(self, column: str, label: str) -> Cell:
        found = self.published.get(label, {}).get(column, "")
        return Cell(text=plain(found, 2) if isinstance(found, float) else str(found or "-"), value=parsed(found))

    def _published_delta(self, label: str) -> Cell:
        """'−1.05'."""
        title = self.headline.title
        one, other = (self._published(title, row).value for row in (label, self._opponents.get(label, "")))
        return Cell() if one is None or other is None else Cell(text=signed(one - other, 2), value=one - other)


def _score(found: Mapping[str, Estimate], label: str) -> Cell:
    """Return '89.4', or '89.4 [85.9, 92.9]'."""
    if label not in found:
        return Cell()
    one = found[label]
    cell = Cell(text=plain(100 * one.value), value=100 * one.value)
    if not one.has_interval:
        return cell
    return replace(cell, text=f"{cell.text} {interval(one)}", low=100 * one.low, high=100 * one.high)

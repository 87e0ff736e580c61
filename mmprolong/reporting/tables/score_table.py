"""A table of scores: seeds, means and differences of our runs, and apart from them the published numbers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from mmprolong.records import Average
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import Contrast, arms_of, compare, estimates
from mmprolong.reporting.statistics.intervals import Estimate, mean
from mmprolong.reporting.statistics.scores import ArmScores
from mmprolong.reporting.tables.model import CONFIDENCE, MISSING, Column, Table, TableCell
from mmprolong.reporting.tables.notes import override_notes, statistics_notes, trust_notes
from mmprolong.reporting.tables.published import decimal, interval, parse_number, signed

Row = Mapping[str, float | str]
"""Published cells by column, as printed or as means."""


class ScoreColumn(NamedTuple):
    """A mean over cells [%]."""

    title: str
    average: Average
    """Empty: it was not evaluated."""


@dataclass(frozen=True, kw_only=True)
class ScoreTable:
    """The rows and columns in which a table shows the runs of a plan; cells are made by the label of their row."""

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
    more: Sequence[Column] = ()
    """Columns before the scores."""
    intervals: bool = False
    """Every score has its interval and its number of questions, and not the headline alone."""
    notes: Sequence[str] = ()

    def build(self) -> Table:
        """Make the table, with notes on the meaning of its numbers and the trust that they deserve."""
        runs, compared = self.runs, len(self._compared)
        notes = [*statistics_notes(self.headline.title, self._arms, compared), *trust_notes(runs)]
        planned, missing = sum(len(runs.plan.of(label)) for label in runs.plan.labels), len(runs.missing)
        progress = f" ({planned - missing} of {planned} runs)" if missing else ""
        return Table(
            name=self.name,
            title=self.title + progress,
            columns=list(self._columns()),
            caption=runs.plan.question,
            notes=(*(notes if runs.results else ["Ours: not run.", *override_notes(runs)]), *self.notes),
            comparisons=compared,
        )

    def _columns(self) -> Iterator[Column]:
        """Yield the columns from left to right: ours, then the published ones."""
        runs, rows = self.runs, self.rows
        yield Column.words(self.key, rows)
        yield Column.of("seeds", map(self._seeds, rows))
        if any(marks := [self._marks(label) for label in rows]):
            yield Column.words("marks", marks)
        yield Column.counts("n", (next((len(one.scores) for one in runs.of(label)), None) for label in rows))
        yield from self.more
        for title, average in self.scores:
            if found := estimates(runs, average):
                counted = self._counted(average) if self.intervals else ""
                cells = (self._score(found.get(label)) for label in rows)
                yield Column.of(title + counted, cells, title.replace(" ", "_"), best=True)
        title = self.headline.title
        yield Column.of(f"{title} ± sd", map(self._headline, rows), title.replace(" ", "_"), best=True)
        ends = {label: interval(mean(arm)) for label, arm in self._arms.items()}
        cells = (TableCell(text=ends.get(label, MISSING)) for label in rows)
        yield Column.of(f"{title} {CONFIDENCE}", cells, "interval")
        for number, contrast in enumerate(self.contrasts):
            differences = [self._compared.get((contrast.key, label)) for label in rows]
            yield Column.of(f"{contrast.title} [{CONFIDENCE}]", map(TableCell.difference, differences), contrast.key)
            if number == 0:
                yield Column.of("p (Holm)", map(TableCell.p, differences), "p_holm")
        for name in dict.fromkeys(name for row in self.published.values() for name in row):
            yield Column.of(f"published {name}", (self._published(name, label) for label in rows), best=True)
        if self.published and self.contrasts and self.contrasts[0].pairs:
            yield Column.of(f"published Δ {title}", map(self._published_delta, rows), "published_delta")

    @cached_property
    def _arms(self) -> dict[str, ArmScores]:
        return arms_of(self.runs, self.headline.average)

    @cached_property
    def _compared(self) -> dict[tuple[str, str], Estimate | None]:
        return compare(self.runs, self.contrasts, self.headline.average)

    def _seeds(self, label: str) -> TableCell:
        """'(2/3)': runs that have a result, of those that are planned; nothing for a row that is not ours."""
        planned = len(self.runs.plan.of(label))
        return TableCell(text=f"({len(self.runs.of(label))}/{planned})") if planned else TableCell()

    def _counted(self, average: Average) -> str:
        """Return ' (n 100)': the questions of one run that count."""
        scores = next(result.scores for label in self.rows for result in self.runs.of(label))
        return f" (n {sum(score.cell in average for score in scores):,})"

    def _marks(self, label: str) -> str:
        """'partial stale': runs are missing; the ablation would plan others today."""
        partial = len(self.runs.of(label)) < len(self.runs.plan.of(label))
        return " ".join(["partial"] * partial + ["stale"] * (label in self.runs.stale))

    def _score(self, found: Estimate | None) -> TableCell:
        """'89.4', or '89.4 [85.9, 92.9]'."""
        return TableCell.mean(found) if self.intervals or not found else TableCell.points(found.value)

    def _headline(self, label: str) -> TableCell:
        """'89.4 ± 1.2': mean and standard deviation over seeds; '-' for the deviation of a single run."""
        if label not in self._arms:
            return TableCell()
        one, values = mean(self._arms[label]), self._arms[label].means
        sd = 100 * float(values.std(ddof=1)) if len(values) > 1 else None
        text = f"{decimal(100 * one.value)} ± {'-' if sd is None else decimal(sd)}"
        return TableCell.estimate(one, text, sd)

    def _published(self, column: str, label: str) -> TableCell:
        found = self.published.get(label, {}).get(column, "")
        return TableCell(text=found or "-" if isinstance(found, str) else decimal(found, 2), value=parse_number(found))

    def _published_delta(self, label: str) -> TableCell:
        """'−1.05'."""
        other = self.contrasts[0].pairs.get(label)
        values = [self._published(self.headline.title, row).value for row in (label, other.row if other else "")]
        if values[0] is None or values[1] is None:
            return TableCell()
        return TableCell(text=signed(values[0] - values[1], 2), value=values[0] - values[1])

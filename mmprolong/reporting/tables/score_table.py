"""A table of scores: seeds, means and differences of our runs, and apart from them the published numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import NamedTuple

from mmprolong.records import Average
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import Contrast, arms_of, compare, estimates
from mmprolong.reporting.statistics.intervals import Estimate, mean
from mmprolong.reporting.statistics.scores import ArmScores
from mmprolong.reporting.tables.model import CONFIDENCE, MISSING, Column, Table, TableCell
from mmprolong.reporting.tables.notes import override_notes, progress, statistics_notes, trust_notes
from mmprolong.reporting.tables.published import decimal, interval, parse_number, signed

Row = Mapping[str, float | str]
"""Published cells by column, as printed or as means."""
Field = tuple[Column, Callable[[str], TableCell]]
"""A column, and the function that makes its cell in the row of a label."""


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
    more: Sequence[Field] = ()
    """Columns before the scores."""
    intervals: bool = False
    """Every score has its interval and its number of questions, and not the headline alone."""
    notes: Sequence[str] = ()

    def build(self) -> Table:
        """Make the table, with notes on the meaning of its numbers and the trust that they deserve."""
        runs, compared = self.runs, len(self._compared)
        notes = [*statistics_notes(self.headline.title, self._arms, compared), *trust_notes(runs)]
        return Table.of(
            self.name,
            self.title + progress(runs),
            self._fields(),
            self.rows,
            caption=runs.plan.question,
            notes=(*(notes if runs.results else ["Ours: not run.", *override_notes(runs)]), *self.notes),
            comparisons=compared,
        )

    def _fields(self) -> Iterator[Field]:
        """Yield the columns from left to right: ours, then the published ones."""
        runs = self.runs
        yield Column.of(self.key, numeric=False), lambda label: TableCell(text=label)
        yield Column.of("seeds"), self._seeds
        if any(self._marks(label).text for label in self.rows):
            yield Column.of("marks", numeric=False), self._marks
        yield Column.of("n"), lambda label: TableCell.count(next((len(one.scores) for one in runs.of(label)), None))
        yield from self.more
        for title, average in self.scores:
            if found := estimates(runs, average):
                key, counted = title.replace(" ", "_"), self._counted(average) if self.intervals else ""
                yield Column(key=key, title=title + counted, score=True), partial(self._score, found)
        title = self.headline.title
        yield Column.of(f"{title} ± sd", title.replace(" ", "_"), score=True), self._headline
        ends = {label: interval(mean(arm)) for label, arm in self._arms.items()}
        yield Column.of(f"{title} {CONFIDENCE}", "interval"), lambda label: TableCell(text=ends.get(label, MISSING))
        for number, contrast in enumerate(self.contrasts):
            found = partial(self._difference, contrast.key)
            column = Column.of(f"{contrast.title} [{CONFIDENCE}]", contrast.key)
            yield column, lambda label, found=found: TableCell.difference(found(label))
            if number == 0:
                yield Column.of("p (Holm)", "p_holm"), lambda label, found=found: TableCell.p(found(label))
        for name in dict.fromkeys(name for row in self.published.values() for name in row):
            yield Column.of(f"published {name}", score=True), partial(self._published, name)
        if self.published and self._opponents:
            yield Column.of(f"published Δ {title}", "published_delta"), self._published_delta

    @cached_property
    def _arms(self) -> dict[str, ArmScores]:
        return arms_of(self.runs, self.headline.average)

    @cached_property
    def _compared(self) -> dict[tuple[str, str], Estimate | None]:
        return compare(self.runs, self.contrasts, self.headline.average)

    @cached_property
    def _opponents(self) -> dict[str, str]:
        return {label: other.row for each in self.contrasts[:1] for label, other in each.pairs.items()}

    def _seeds(self, label: str) -> TableCell:
        """'(2/3)': runs that have a result, of those that are planned; nothing for a row that is not ours."""
        planned = self.runs.planned(label)
        return TableCell(text=f"({len(self.runs.of(label))}/{planned})") if planned else TableCell()

    def _counted(self, average: Average) -> str:
        """Return ' (n 100)': the questions of one run that count."""
        scores = next(result.scores for label in self.rows for result in self.runs.of(label))
        return f" (n {sum(score.cell in average for score in scores):,})"

    def _marks(self, label: str) -> TableCell:
        """'partial stale': runs are missing; the ablation would plan others today."""
        partial = len(self.runs.of(label)) < self.runs.planned(label)
        return TableCell(text=" ".join(["partial"] * partial + ["stale"] * (label in self.runs.stale)))

    def _score(self, found: Mapping[str, Estimate], label: str) -> TableCell:
        """'89.4', or '89.4 [85.9, 92.9]'."""
        if self.intervals or label not in found:
            return TableCell.mean(found.get(label))
        return TableCell.points(found[label].value)

    def _headline(self, label: str) -> TableCell:
        """'89.4 ± 1.2': mean and standard deviation over seeds; '-' for the deviation of a single run."""
        if label not in self._arms:
            return TableCell()
        one, values = mean(self._arms[label]), self._arms[label].means
        sd = 100 * float(values.std(ddof=1)) if len(values) > 1 else None
        text = f"{decimal(100 * one.value)} ± {'-' if sd is None else decimal(sd)}"
        return TableCell.estimate(one, text, sd)

    def _difference(self, key: str, label: str) -> Estimate | None:
        return self._compared.get((key, label))

    def _published(self, column: str, label: str) -> TableCell:
        found = self.published.get(label, {}).get(column, "")
        return TableCell(text=found or "-" if isinstance(found, str) else decimal(found, 2), value=parse_number(found))

    def _published_delta(self, label: str) -> TableCell:
        """'−1.05'."""
        title = self.headline.title
        one, other = (self._published(title, row).value for row in (label, self._opponents.get(label, "")))
        return (
            TableCell() if one is None or other is None else TableCell(text=signed(one - other, 2), value=one - other)
        )

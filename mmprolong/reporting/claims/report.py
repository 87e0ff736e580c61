"""All claims with both verdicts: of the printed numbers, and of our runs."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmprolong.config.groups import PUBLISHED, files_in
from mmprolong.reporting.claims.claim import Claim, Verdict, read_claims
from mmprolong.reporting.claims.judge import judge_published, judge_store
from mmprolong.reporting.results.store import read_and_mark_stale
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.metrics import NAMES
from mmprolong.reporting.tables.model import NBSP, Cell, Column, Table
from mmprolong.reporting.tables.published import Published, format_difference, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClaim:
    """A claim and both verdicts on it."""

    claim: Claim
    published: Verdict
    runs: Verdict

    @property
    def paper(self) -> str:
        """Its name."""
        number = self.claim.source.partition(",")[0].partition(" (")[0]
        return NAMES.get(number, number)


_COLUMNS: dict[Column, Callable[[JudgedClaim], Cell]] = {
    Column.of("claim", numeric=False): lambda one: Cell(text=one.claim.claim),
    Column.of("source", numeric=False): lambda one: Cell(text=f"{one.paper} {one.claim.source.partition(', ')[2]}"),
    Column.of("metric", numeric=False): lambda one: Cell(text=one.claim.metric),
    Column(key="published", title=f"published Δ [95{NBSP}% at most]"): lambda one: _cell(one.published.differences),
    Column(key="published_verdict", title="published, at the paper's own sample size", numeric=False): lambda one: Cell(
        text=one.published.verdict
    ),
    Column(key="ours", title=f"our Δ [95{NBSP}%]"): lambda one: _cell(one.runs.differences),
    Column.of("runs"): lambda one: Cell.count(len(one.runs.runs) or None),
    Column(key="verdict", title="our verdict", numeric=False): lambda one: Cell(
        text=one.runs.verdict, symbol=" stale" * one.runs.stale
    ),
    Column(key="command", title="what settles it", numeric=False): lambda one: Cell(text=one.runs.command),
}


def judge_claims(store: Path | None = None, names: Iterable[str] = ()) -> list[JudgedClaim]:
    """Judge every claim, or those that are named, by the papers' numbers and by the runs in `store`; paper by paper.

    Raises:
        ConfigError: a claim is unknown or its file is wrong.
    """
    numbers, read = Published(files_in(PUBLISHED)), cache(read_and_mark_stale)
    judged = [
        JudgedClaim(claim=one, published=judge_published(one, numbers), runs=judge_store(one, store, read))
        for one in read_claims(names)
    ]
    return sorted(judged, key=lambda one: (one.paper, one.claim.name))


def claims_table(judged: Sequence[JudgedClaim]) -> Table:
    """Make the table of these claims."""
    published, ours = _counts(one.published for one in judged), _counts(one.runs for one in judged)
    notes = (
        f"By the printed numbers: {published}. By our runs: {ours}.",
        "Printed intervals take the two sides as if they had answered different questions, the worst pairing. They "
        "rest on one run: other seeds are not covered.",
        "Where a paper tells the spread of repeated evaluations (OriOn's VA), that is used; it covers no documents.",
        "Of a claim against several rows the smallest lead is shown.",
        *dict.fromkeys(note for one in judged for note in one.runs.notes),
    )
    rows = tuple(tuple(cell(one) for cell in _COLUMNS.values()) for one in judged)
    return Table(name="claims", title="Claims of the papers", columns=tuple(_COLUMNS), rows=rows, notes=notes)


def group_by_command(judged: Iterable[JudgedClaim]) -> dict[str, list[str]]:
    """Return the names of the claims by the command that would settle them."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in judged:
        found[one.runs.command].append(one.claim.name)
    return found


def describe(one: JudgedClaim) -> list[str]:
    """Return a claim in full, in lines for the terminal."""
    claim, runs = one.claim, one.runs
    margin = f" within {claim.margin:g} points" if claim.margin else ""
    return [
        f"{claim.name}: {claim.claim}.",
        f"  source: {claim.source}; {claim.metric}; {claim.conditions}",
        f"  claimed: {claim.direction}{margin}, printed {signed(claim.size, 2)} points",
        f"  printed numbers: {_cell(one.published.differences).text}: {one.published.verdict}",
        f"  ours: {_cell(runs.differences).text}: {runs.verdict}{' stale' * runs.stale}",
        *([f"  runs: {', '.join(runs.runs)}"] if runs.runs else []),
        *(f"  {note}" for note in runs.notes),
        f"  to settle it: {runs.command}",
    ]


def _cell(differences: Sequence[Estimate]) -> Cell:
    """Return the smallest lead: a claim against several rows hangs on it."""
    if not differences:
        return Cell()
    one = min(differences, key=lambda one: one.value)
    more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
    return Cell.estimate(one, format_difference(one) + more)


def _counts(verdicts: Iterable[Verdict]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(one.verdict for one in verdicts).items())

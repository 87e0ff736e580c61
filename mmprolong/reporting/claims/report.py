"""All claims with both verdicts: of the printed numbers, and of our runs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmprolong.config.groups import PUBLISHED, files_in
from mmprolong.reporting.claims.claim import Claim, Difference, Verdict, read_claims, smallest_lead
from mmprolong.reporting.claims.judge import judge_published, judge_store
from mmprolong.reporting.results.provenance import read_marked
from mmprolong.reporting.tables.metrics import NAMES
from mmprolong.reporting.tables.model import MISSING, NBSP, Cell, Column, Table
from mmprolong.reporting.tables.published import Published, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A claim and what is known of it."""

    claim: Claim
    published: Verdict
    runs: Verdict

    @property
    def paper(self) -> str:
        """Its name."""
        number = self.claim.source.partition(",")[0].partition(" (")[0]
        return NAMES.get(number, number)


def judge_claims(store: Path | None = None, names: Iterable[str] = ()) -> list[Judged]:
    """Judge every claim, or those that are named, by the papers' numbers and by the runs in `store`; paper by paper.

    Raises:
        ConfigError: a claim is unknown or its file is wrong.
    """
    numbers, read = Published(files_in(PUBLISHED)), cache(read_marked)
    judged = [
        Judged(claim=one, published=judge_published(one, numbers), runs=judge_store(one, store, read))
        for one in read_claims(names)
    ]
    return sorted(judged, key=lambda one: (one.paper, one.claim.name))


def claims_table(judged: Sequence[Judged]) -> Table:
    """Make the table of these claims."""
    titles = {
        "claim": "claim",
        "source": "source",
        "metric": "metric",
        "published": f"published Δ [95{NBSP}% at most]",
        "published_verdict": "published, at the paper's own sample size",
        "ours": f"our Δ [95{NBSP}%]",
        "runs": "runs",
        "verdict": "our verdict",
        "command": "what settles it",
    }
    numeric = ("published", "ours", "runs")
    columns = tuple(Column(key=key, title=title, numeric=key in numeric) for key, title in titles.items())
    published, ours = _counts(one.published for one in judged), _counts(one.runs for one in judged)
    notes = (
        f"By the printed numbers: {published}. By our runs: {ours}.",
        "Printed intervals take the two sides as if they had answered different questions, the worst pairing. They "
        "rest on one run: other seeds are not covered.",
        "Where a paper tells the spread of repeated evaluations (OriOn's VA), that is used; it covers no documents.",
        "Of a claim against several rows the smallest lead is shown.",
        *dict.fromkeys(note for one in judged for note in one.runs.notes),
    )
    rows = tuple(map(_row, judged))
    return Table(name="claims", title="Claims of the papers", columns=columns, rows=rows, notes=notes)


def settled_by(judged: Iterable[Judged]) -> dict[str, list[str]]:
    """Return the claims by what would settle them."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in judged:
        found[one.runs.command].append(one.claim.name)
    return found


def describe(one: Judged) -> list[str]:
    """Return a claim in full, in lines for the terminal."""
    claim, runs = one.claim, one.runs
    margin = f" within {claim.margin:g} points" if claim.margin else ""
    return [
        f"{claim.name}: {claim.claim}.",
        f"  source: {claim.source}; {claim.metric}; {claim.conditions}",
        f"  claimed: {claim.direction}{margin}, printed {signed(claim.size, 2)} points",
        f"  printed numbers: {_interval(one.published.differences)}: {one.published.verdict}",
        f"  ours: {_interval(runs.differences)}: {runs.verdict}{' stale' * runs.stale}",
        *([f"  runs: {', '.join(runs.runs)}"] if runs.runs else []),
        *(f"  {note}" for note in runs.notes),
        f"  to settle it: {runs.command}",
    ]


def _row(one: Judged) -> tuple[Cell, ...]:
    where = one.claim.source.partition(", ")[2]
    return (
        Cell(text=one.claim.claim),
        Cell(text=f"{one.paper} {where}".strip()),
        Cell(text=one.claim.metric),
        _cell(one.published.differences),
        Cell(text=one.published.verdict),
        _cell(one.runs.differences),
        Cell.count(len(one.runs.runs) or None),
        Cell(text=one.runs.verdict, symbol=" stale" * one.runs.stale),
        Cell(text=one.runs.command),
    )


def _cell(differences: Sequence[Difference]) -> Cell:
    if not differences:
        return Cell()
    one = smallest_lead(differences)
    return Cell(text=_interval(differences), value=one.value, low=one.low, high=one.high)


def _interval(differences: Sequence[Difference]) -> str:
    if not differences:
        return MISSING
    one = smallest_lead(differences)
    text = f"{signed(one.value)} [{signed(one.low)}, {signed(one.high)}]"
    return f"{text} and {len(differences) - 1} more" if len(differences) > 1 else text


def _counts(verdicts: Iterable[Verdict]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(one.verdict for one in verdicts).items())

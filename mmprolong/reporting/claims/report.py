"""All claims with both verdicts: of the printed numbers, and of our runs."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmprolong.config.groups import PUBLISHED, files_in
from mmprolong.reporting.claims.claim import Claim, Verdict, read_claims
from mmprolong.reporting.claims.judge import judge_published, judge_store
from mmprolong.reporting.results.store import read_and_mark_stale
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.model import CONFIDENCE, Cell, Column, Table
from mmprolong.reporting.tables.published import Published, format_difference


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClaim:
    """A claim and both verdicts on it."""

    claim: Claim
    published: Verdict
    runs: Verdict


_FIELDS: list[tuple[Column, Callable[[JudgedClaim], Cell]]] = [
    (Column.of("claim", numeric=False), lambda one: Cell(text=one.claim.claim)),
    (Column.of("source", numeric=False), lambda one: Cell(text=one.claim.source)),
    (Column.of("metric", numeric=False), lambda one: Cell(text=one.claim.metric)),
    (Column.of(f"published Δ [{CONFIDENCE} at most]", "published"), lambda one: _smallest(one.published.differences)),
    (
        Column.of("published, at the paper's own sample size", "published_verdict", numeric=False),
        lambda one: Cell(text=one.published.verdict),
    ),
    (Column.of(f"our Δ [{CONFIDENCE}]", "ours"), lambda one: _smallest(one.runs.differences)),
    (Column.of("runs"), lambda one: Cell.count(len(one.runs.runs) or None)),
    (
        Column.of("our verdict", "verdict", numeric=False),
        lambda one: Cell(text=one.runs.verdict, symbol=" stale" * one.runs.stale),
    ),
    (Column.of("what settles it", "command", numeric=False), lambda one: Cell(text=one.runs.command)),
]


def judge_claims(store: Path | None = None, names: Iterable[str] = ()) -> list[JudgedClaim]:
    """Judge every claim, or those that are named, by the papers' numbers and by the runs in `store`; paper by paper.

    Raises:
        ConfigError: a claim is unknown or its file is wrong.
    """
    numbers, read = Published(files_in(PUBLISHED)), cache(read_and_mark_stale)
    claims = sorted(read_claims(names), key=lambda one: (one.source.partition(",")[0], one.name))
    return [
        JudgedClaim(claim=one, published=judge_published(one, numbers), runs=judge_store(one, store, read))
        for one in claims
    ]


def claims_table(judged: Sequence[JudgedClaim]) -> Table:
    """Make the table of these claims."""
    published, ours = (
        ", ".join(f"{count} {name}" for name, count in Counter(each).items())
        for each in ([one.published.verdict for one in judged], [one.runs.verdict for one in judged])
    )
    notes = (
        f"By the printed numbers: {published}. By our runs: {ours}.",
        "Printed intervals take the two sides as if they had answered different questions, the worst pairing. They "
        "rest on one run: other seeds are not covered.",
        "Where a paper tells the spread of repeated evaluations (OriOn's VA), that is used; it covers no documents.",
        "Of a claim against several rows the smallest lead is shown.",
        *dict.fromkeys(note for one in judged for note in one.runs.notes),
    )
    return Table.of("claims", "Claims of the papers", _FIELDS, judged, notes=notes)


def _smallest(differences: Sequence[Estimate]) -> Cell:
    """Return the smallest lead: a claim against several rows hangs on it."""
    if not differences:
        return Cell()
    one = min(differences, key=lambda one: one.value)
    more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
    return Cell.estimate(one, format_difference(one) + more)

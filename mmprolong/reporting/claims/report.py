"""All claims with both verdicts: of the printed numbers, and of our runs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmprolong.config.groups import PUBLISHED, files_in
from mmprolong.reporting.claims.claim import Claim, Difference, read_claims, smallest_lead
from mmprolong.reporting.claims.ours import OurVerdict, judge_ours
from mmprolong.reporting.claims.printed import PrintedVerdict, judge_printed
from mmprolong.reporting.sources.stale import read_marked
from mmprolong.reporting.tables.agreement import UNCLEAR
from mmprolong.reporting.tables.cells import STALE
from mmprolong.reporting.tables.digits import signed
from mmprolong.reporting.tables.papers import NAMES
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.table import MISSING, Cell, Column, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A claim and what is known of it."""

    claim: Claim
    printed: PrintedVerdict
    ours: OurVerdict


def judge_claims(store: Path | None = None, names: Iterable[str] = (), mixed_code: bool = False) -> list[Judged]:
    """Every claim, or those that are named, judged by the papers' numbers and by the runs in `store`.

    Args:
        mixed_code: whether runs of different code may be judged together.

    Raises:
        ConfigError: a claim is unknown or its file is wrong.
    """
    published = Published(files_in(PUBLISHED))
    read = cache(read_marked)
    return [
        Judged(claim=claim, printed=judge_printed(claim, published), ours=judge_ours(claim, store, mixed_code, read))
        for claim in read_claims(names)
    ]


def claims_table(judged: Sequence[Judged]) -> Table:
    """Rows: claims, paper by paper."""
    judged = _in_order(judged)
    return Table(
        name="claims",
        title="Claims of the papers",
        columns=(
            Column(key="claim", title="claim", numeric=False),
            Column(key="source", title="source", numeric=False),
            Column(key="metric", title="metric", numeric=False, group="printed"),
            Column(key="printed", title="Δ [95\u00a0% at most]", group="printed"),
            Column(key="printed_verdict", title="at the paper's own sample size", numeric=False, group="printed"),
            Column(key="ours", title="Δ [95\u00a0%]", group="ours"),
            Column(key="runs", title="runs", group="ours"),
            Column(key="verdict", title="verdict", numeric=False, group="ours"),
            Column(key="command", title="what settles it", numeric=False, group="ours"),
        ),
        rows=tuple(_row(one) for one in judged),
        notes=_notes(judged),
    )


def settled_by(judged: Iterable[Judged]) -> dict[str, list[str]]:
    """The claims by what would settle them, in the order of the table."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in _in_order(judged):
        found[one.ours.command].append(one.claim.name)
    return found


def describe(one: Judged) -> list[str]:
    """A claim in full, in lines for the terminal."""
    claim, ours = one.claim, one.ours
    lines = [
        f"{claim.name}: {claim.claim}.",
        f"  source: {claim.source}; {claim.metric}; {claim.conditions}",
        f"  claimed: {claim.direction}{_margin(claim)}, printed {signed(claim.size, 2)} points",
        f"  printed numbers: {_interval(one.printed.differences)}: {_printed_verdict(one.printed)}",
        f"  ours: {_interval(ours.differences)}: {ours.verdict}{f' {STALE}' if ours.stale else ''}",
    ]
    lines += [f"  runs: {', '.join(ours.runs)}"] if ours.runs else []
    return [*lines, *(f"  {note}" for note in ours.notes), f"  to settle it: {ours.command}"]


def _in_order(judged: Iterable[Judged]) -> list[Judged]:
    return sorted(judged, key=lambda one: (_paper(one.claim), one.claim.name))


def _row(one: Judged) -> tuple[Cell, ...]:
    where = one.claim.source.partition(", ")[2]
    return (
        Cell(text=one.claim.claim),
        Cell(text=f"{_paper(one.claim)} {where}".strip()),
        Cell(text=one.claim.metric),
        _cell(one.printed.differences),
        Cell(text=_printed_verdict(one.printed)),
        _cell(one.ours.differences),
        Cell(text=str(len(one.ours.runs))) if one.ours.runs else Cell(),
        Cell(text=one.ours.verdict, mark=f" {STALE}" if one.ours.stale else ""),
        Cell(text=one.ours.command),
    )


def _paper(claim: Claim) -> str:
    number = claim.source.partition(",")[0].partition(" (")[0]
    return NAMES.get(number, number)


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


def _printed_verdict(printed: PrintedVerdict) -> str:
    if printed.verdict != UNCLEAR or printed.correlation is None:
        return printed.verdict
    return f"{printed.verdict} (clear if answers correlate by {printed.correlation:.2f})"


def _margin(claim: Claim) -> str:
    return f" within {claim.margin:g} points" if claim.margin else ""


def _notes(judged: Sequence[Judged]) -> tuple[str, ...]:
    printed, ours = _counts(one.printed.verdict for one in judged), _counts(one.ours.verdict for one in judged)
    return (
        f"By the printed numbers: {printed}. By our runs: {ours}.",
        "Printed intervals take the two sides as if they had answered different questions, the worst pairing; the "
        "correlation is what the same questions would need. They rest on one run: other seeds are not covered.",
        "Where a paper tells the spread of repeated evaluations (OriOn's VA), that is used; it covers no documents.",
        "Of a claim against several rows the smallest lead is shown.",
        *dict.fromkeys(note for one in judged for note in one.ours.notes),
    )


def _counts(verdicts: Iterable[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(verdicts).items())

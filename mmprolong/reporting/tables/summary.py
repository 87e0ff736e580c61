"""What an ablation found, in a few sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.statistics.arms import Arm
from mmprolong.reporting.statistics.contrasts import Compared
from mmprolong.reporting.tables.digits import plain, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a row of a table says of its headline."""

    score: float | None = None
    """[%]"""
    delta: float | None = None
    """[points]"""
    against: str = ""
    """The row that it is compared with."""
    compared: Compared = field(default_factory=Compared)


def summary(runs: Runs, arms: Mapping[str, Arm]) -> list[str]:
    """The finding of an ablation, every row compared with the plan's baseline."""
    lines = {
        label: Line(
            score=_hundredfold(arm.score),
            delta=_hundredfold(arm.delta),
            against=runs.plan.baseline,
            compared=arm.compared,
        )
        for label, arm in arms.items()
    }
    return finding(runs, "overall", lines)


def finding(runs: Runs, headline: str, lines: Mapping[str, Line]) -> list[str]:
    """Sentences that a table's own rows carry and no more.

    Args:
        headline: what the table calls the score.
    """
    return [_progress(runs), *_highest(headline, lines), *_told_apart(lines)]


def _hundredfold(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _progress(runs: Runs) -> str:
    planned = sum(runs.planned(label) for label in runs.plan.labels)
    if not runs.missing:
        return f"All {planned} runs are finished."
    missing = ", ".join(f"{point.label} seed {point.seed}" for point in runs.missing)
    return f"{planned - len(runs.missing)} of {planned} runs are finished; missing: {missing}."


def _highest(headline: str, lines: Mapping[str, Line]) -> list[str]:
    scores = {label: line.score for label, line in lines.items() if line.score is not None}
    if not scores:
        return []
    best = max(scores, key=lambda label: scores[label])
    near = [label for label, line in lines.items() if line.compared.near_best]
    level = f"Highest {headline}: {best}, {plain(scores[best])} %"
    return [f"{level}; not told apart from it: {', '.join(near)}." if near else f"{level}."]


def _told_apart(lines: Mapping[str, Line]) -> list[str]:
    """Of each row with which others are compared: which are clear of it, and which are not."""
    compared = {label: line for label, line in lines.items() if line.compared.difference}
    sentences = []
    for other in dict.fromkeys(line.against for line in compared.values()):
        own = {label: line for label, line in compared.items() if line.against == other}
        clear = [f"{label} ({signed(line.delta or 0)})" for label, line in own.items() if line.compared.clear]
        unclear = [f"{label} ({signed(line.delta or 0)})" for label, line in own.items() if not line.compared.clear]
        if clear:
            sentences.append(f"Clear of {other} after Holm's correction: {', '.join(clear)} points.")
        if unclear:
            sentences.append(f"Not clear of {other}: {', '.join(unclear)} points.")
    return sentences

"""What a claim asks of our runs: rows and lengths that exist, and enough runs of each."""

from collections.abc import Iterable, Sequence

from mmprolong.config.groups import ablations
from mmprolong.errors import ConfigError, nearest
from mmprolong.evaluation.lengths import size
from mmprolong.reporting.claims.claim import Ours
from mmprolong.reporting.sources.runs import Runs
from mmprolong.sweep.ablation import read_ablation


def require_rows(claim: str, asked: Ours, planned: Iterable[str] = ()) -> None:
    """Refuse labels that are neither in the plan nor in the ablation's file.

    Raises:
        ConfigError: names the nearest label.
    """
    missing = [label for label in (*asked.arm, *asked.baseline) if label not in planned]
    rows = [*planned, *(read_ablation(asked.ablation).arms if missing and asked.ablation in ablations() else ())]
    for label in missing:
        if rows and label not in rows:
            raise ConfigError(f"claim {claim}: {label!r} is no row of {asked.ablation}; {nearest(label, rows)}")


def lengths_of(name: str, runs: Runs) -> list[str]:
    """The evaluated lengths that `ours.length` stands for."""
    trained = runs.plan.suite.get("trained") or ""
    chosen = {
        "overall": runs.overall,
        "shortest": runs.lengths[:1],
        "trained": [trained] if trained in runs.lengths else [],
        "beyond": [length for length in runs.lengths if trained and size(length) > size(trained)],
    }
    return chosen.get(name, [name] if name in runs.lengths else [])


def unanswered(asked: Ours, sides: Sequence[Sequence[str]], runs: Runs) -> str:
    """Why the runs do not answer a claim, where that is not plain; else empty.

    The labels of one side count alike. As every run weighs as much as another, that needs as many of each label.
    """
    gone = [label for side in sides for label in side if label not in runs.plan.labels]
    if gone:
        return f"{', '.join(gone)}: in the ablation's file but not launched"
    if runs.lengths and not lengths_of(asked.length, runs):
        return f"length {asked.length}: not asked, only {', '.join(runs.lengths)}"
    for side in sides:
        finished = {label: len(runs.of(label)) for label in side}
        if min(finished.values()) != max(finished.values()):
            counts = ", ".join(f"{count} of {runs.planned(label)} of {label}" for label, count in finished.items())
            return f"{' and '.join(side)} count alike, which needs as many runs of each; finished: {counts}"
    return ""

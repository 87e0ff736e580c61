"""The loss curves of a sweep's training runs."""

from dataclasses import dataclass
from pathlib import Path

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.records import read_jsonl


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What a figure needs of a line of `log.jsonl`."""

    tokens: int
    loss: float | None
    """None: it was no finite number, which JSON does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCurve:
    """One run's loss over the phases that the ablation is about."""

    label: str
    seed: int
    tokens: tuple[int, ...]
    """Training tokens seen in these phases, where the loss was finite."""
    losses: tuple[float, ...]
    """Mean over the supervised tokens of each update [nat]."""
    ends: tuple[int, ...]
    """Tokens at which each phase but the last ended."""


def loss_curves(store: Path, plan: Plan) -> list[LossCurve]:
    """The curves of all runs that have a log, in the plan's order.

    Raises:
        DataError: a log is damaged.
    """
    curves = [_curve(store, point, plan.own_phases(point)) for label in plan.labels for point in plan.of(label)]
    return [curve for curve in curves if curve.tokens]


def _curve(store: Path, point: Point, phases: list[str]) -> LossCurve:
    tokens: list[int] = []
    losses: list[float] = []
    ends: list[int] = []
    seen = 0
    for phase in phases:
        log = store / "training" / point.steps[f"training.{phase}"] / "log.jsonl"
        if not log.is_file():
            continue
        before = seen
        ends += [before] if before else []
        for line in read_jsonl(log, _Line, growing=True):
            seen = before + line.tokens
            if line.loss is not None:
                tokens.append(seen)
                losses.append(line.loss)
    return LossCurve(label=point.label, seed=point.seed, tokens=tuple(tokens), losses=tuple(losses), ends=tuple(ends))

"""How far a sweep is, over all its steps: how many stand where, points, hours, the time until it is finished."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mmprolong.pipeline.plan import Plan
from mmprolong.sweep.estimate import Hours, expected, hours, spent, wall_time, width
from mmprolong.sweep.standing import Standing

STATES = ("finished", "running", "queued", "open", "unknown", "blocked", "failed")
"""Of steps, from done to what needs help."""
_STUCK = ("failed", "blocked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A sweep in a few numbers."""

    counts: Mapping[str, int]
    """Steps by state, in the order of `STATES`; states of none are left out."""
    points: int
    points_finished: int
    used: Hours
    """By finished steps."""
    left: Hours
    """By all others."""
    seconds: float | None
    """Until all are finished but those that failed or hang on a failed one; None if none runs [s]."""
    width: int
    """Steps that run at once."""

    @property
    def steps(self) -> int:
        """All that the plan has."""
        return sum(self.counts.values())

    @property
    def finished(self) -> int:
        """Steps that are."""
        return self.counts.get("finished", 0)

    @property
    def state(self) -> str:
        """`finished`, `running`, `queued`, `unknown`, or `stopped`: nothing runs, and nothing will by itself."""
        if self.finished == self.steps:
            return "finished"
        return next((state for state in ("running", "queued", "unknown") if state in self.counts), "stopped")


def totals(plan: Plan, where: Mapping[str, Standing], usual: Mapping[str, float]) -> Totals:
    """The sum of all standings.

    Args:
        usual: as `usual_seconds` has it.
    """
    counted = Counter(each.state for each in where.values())
    cluster = plan.cluster
    seconds = expected(plan, where, cluster, usual)
    going = {name: each for name, each in seconds.items() if where[name].state not in _STUCK}
    at_once = width(cluster, where)
    done = sum(all(where[name].state == "finished" for name in point.steps.values()) for point in plan.points)
    return Totals(
        counts={state: counted[state] for state in STATES if counted[state]},
        points=len(plan.points),
        points_finished=done,
        used=hours(plan, spent(where), cluster),
        left=hours(plan, seconds, cluster),
        seconds=wall_time(plan, going, at_once) if at_once and going else None,
        width=at_once,
    )

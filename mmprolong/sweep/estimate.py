"""How long the rest of a plan will take, before and while it runs."""

import os
from collections import defaultdict
from statistics import fmean

from mmprolong.artifacts import Store
from mmprolong.config import Cluster
from mmprolong.stages import Step
from mmprolong.sweep.plan import Plan

_SECONDS = 5.0
"""Expected time of a step of which neither the store nor the cluster's configuration says anything [s]."""


def estimate(store: Store, plan: Plan, finished: set[str], cluster: Cluster) -> float:
    """Expected wall time of the unfinished steps on this machine's workers [s].

    A step is expected to take as long as the finished steps of its stage did, training in proportion to its tokens;
    where none is finished, as long as the cluster's configuration says.
    """
    seconds: dict[str, list[float]] = defaultdict(list)
    for name in finished:
        step = plan.steps[name]
        record = store.record(step.stage, name)
        if record is not None:
            seconds[step.stage].append(record.seconds / (_tokens(plan, step) or 1))
    rest = [step for name, step in plan.steps.items() if name not in finished]
    work = sum(_expected(plan, step, seconds, cluster) for step in rest)
    return work / (cluster.processes or len(os.sched_getaffinity(0)))


def _expected(plan: Plan, step: Step, seconds: dict[str, list[float]], cluster: Cluster) -> float:
    tokens = _tokens(plan, step)
    if seconds[step.stage]:
        return fmean(seconds[step.stage]) * (tokens or 1)
    if tokens:
        return tokens / cluster.training_tokens_per_second
    return cluster.step_seconds.get(step.stage, _SECONDS)


def _tokens(plan: Plan, step: Step) -> int:
    """Training tokens of a step; 0 for other stages."""
    if step.stage != "training":
        return 0
    mixture = plan.steps[step.needs["mixture"].partition("/")[2]]
    return int(mixture.settings["mixture"]["tokens"])

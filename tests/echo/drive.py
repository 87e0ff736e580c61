"""Plan, launch and look at sweeps of the stages: `drive COMMAND STORE [JSON]`; the answer is the last line, as JSON.

A sweep is `{"ablation": "a", "cluster": {...}, "counting": {...}, "arms": {"x": {"summing": {}, "closing": {}}}}`; all
arms share the step of `counting`.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import MMProLongError
from mmprolong.pipeline.plan import Plan, Point, load_plan, save_plan
from mmprolong.pipeline.ranks import Place, run_in_ranks
from mmprolong.pipeline.steps import Step, make_step
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.signals import StopSignals, interrupt_on_signals
from mmprolong.settings.execution import Cluster, Tracking
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store
from mmprolong.sweep.local import Launcher
from mmprolong.sweep.slurm.job_list import cancel
from mmprolong.sweep.slurm.submit import SlurmLauncher
from mmprolong.sweep.state import step_states

OFF = Tracking(mode="off")


def plan_of(text: str) -> Plan:
    """Plan a sweep."""
    spec = json.loads(text)
    cluster = msgspec.convert(spec.get("cluster", {}), Cluster)
    config = {"cluster": asdict(cluster), "tracking": asdict(OFF), "suite": {}}
    steps: dict[str, Step] = {}

    def add(stage: str, label: str, **needs: str) -> Step:
        settings = msgspec.convert(chosen[stage], STAGES[stage].settings)
        made = make_step(stage, label, settings, needs)
        steps[made.id] = Step(**{**asdict(made), "label": f"{spec['ablation']}/{label}"})
        return made

    points = []
    for label, chosen in spec["arms"].items():
        chosen = {"counting": spec.get("counting", {}), **chosen}
        count = add("counting", "all")
        roles = {"counting": count}
        if "summing" in chosen:
            roles["summing"] = add("summing", label, count=count.path)
        if "closing" in chosen:
            roles["score.x"] = add("closing", label, sum=roles["summing"].path)
        points.append(Point(label=label, seed=0, config=config, steps={role: step.id for role, step in roles.items()}))
    return Plan(ablation=spec["ablation"], baseline=points[0].label, points=tuple(points), steps=steps)


def launch(store: Store, text: str) -> Any:
    """Submit a sweep."""
    launched = SlurmLauncher(store, plan_of(text)).submit()
    return launched._asdict() | {"submitted": [asdict(each) for each in launched.submitted]}


def local(store: Store, text: str) -> Any:
    """Run a sweep on this machine."""
    plan = plan_of(text)
    save_plan(store, plan)
    interrupt_on_signals()
    launcher = Launcher(store, plan)
    try:
        launcher.run(lambda: None)
    except KeyboardInterrupt:
        return "interrupted"
    return {name: state.state for name, state in launcher.states().items()}


def states(store: Store, ablation: str) -> Any:
    """Where the steps stand, by `stage/label`: state, why, job."""
    plan = load_plan(store, ablation)
    found, stages = step_states(store, plan), {name: step.stage for name, step in plan.steps.items()}
    why = {name: f"{at.failure.kind}: {at.failure.message}" if at.failure else at.detail for name, at in found.items()}
    where = {name: f"{stage}/{name.rpartition('-')[0]}" for name, stage in stages.items()}
    return {where[name]: [at.state, why[name], at.job] for name, at in found.items()}


def stop(store: Store, ablation: str, match: str = "") -> Any:
    """Cancel."""
    return dict(zip(("ended", "shared"), cancel(store, load_plan(store, ablation), match), strict=True))


def ranks(store: Store, stage: str, settings: str, processes: str) -> Any:
    """Run one step in ranks, in this process's children."""
    step = make_step(stage, "s", msgspec.convert(json.loads(settings), STAGES[stage].settings), {})
    try:
        run_in_ranks(store, step, OFF, "", StopSignals().stopping, Place(processes=int(processes)))
    except Interrupted:
        return "interrupted"
    record = store.record(stage, step.id)
    return record.metrics if record else None


if __name__ == "__main__":
    command, root, *words = sys.argv[1:]
    chosen = {"launch": launch, "local": local, "states": states, "cancel": stop, "ranks": ranks}[command]
    try:
        answer = chosen(Store(Path(root)), *words)
    except MMProLongError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))

"""Which steps of a plan are not to be run: the rule of the plan, of status, and of launches here and on Slurm."""

from collections.abc import Set

from mmprolong.pipeline.plan import Plan
from mmprolong.store.store import Store, remove_left_scratch

GONE = "its folder is gone, and nothing that is to do needs it"


def settled_steps(store: Store, plan: Plan) -> set[str]:
    """Ids of the plan's steps that are not to be run: those that are in the store, and those that are spent.

    Removes from finished ones what a kill has left there to go on from: they are not run, which would remove it.

    Raises:
        ArtifactError: a finished step's folder is damaged.
    """
    finished = {name for name, step in plan.steps.items() if store.record(step.stage, name) is not None}
    for name in finished:
        remove_left_scratch(store.folder(plan.steps[name].stage, name))
    return finished | spent_steps(plan, finished)


def spent_steps(plan: Plan, finished: Set[str]) -> set[str]:
    """Steps that are not in the store and that no step to be run needs: what needed them is finished.

    So a checkpoint may be deleted once its replies are scored. A step that no other of the plan needs is never spent.
    """
    needs = {name: step.inputs.values() for name, step in plan.steps.items()}
    used = set[str]().union(*needs.values())
    todo: set[str] = set()
    asked: set[str] = set()
    for name in reversed(needs):  # those that need a step come after it in the plan
        if name not in finished and (name not in used or name in asked):
            todo.add(name)
            asked.update(needs[name])
    return plan.steps.keys() - finished - todo

"""Commands for messages to the user, ready to be pasted."""

import shlex
from pathlib import Path

from mmprolong.config.groups import own_option
from mmprolong.config.overrides import assigned, key_of
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.store.store import Store
from mmprolong.sweep.resources import job_of

_LIMITS = {"memory": "memory", "time": "minutes"}
"""Setting of `cluster.jobs` that was too small, by kind of failure."""


def command(store: Store, *words: str, config_dir: str = "") -> str:
    """Return the command `mmprolong WORDS` for a store.

    Args:
        config_dir: folder of the user's own files at the launch; a folder that is named now replaces it.
    """
    place = [] if str(store.root) == "store" else ["--store", str(store.root)]
    return shlex.join(["mmprolong", *words, *place, *own_option(config_dir)])


def sweep_command(plan: Plan, store: Path | None, *more: str) -> str:
    """Return the command that launched `plan`; overrides in `more` replace those of the same keys.

    Args:
        store: folder of the store; None: that of the launch.
    """
    place = [assigned("paths.store", str(store))] if store and str(store) != "store" else []
    replaced = {key_of(text) for text in more} | ({"paths.store"} if store else set())
    typed = plan.overrides if plan.overrides or plan.subject else (f"+ablation={plan.ablation}",)
    kept = (text for text in typed if key_of(text) not in replaced)
    begun = ["mmprolong", "evaluate", plan.subject] if plan.subject else ["python", "-m", "mmprolong.sweep"]
    return shlex.join([*begun, *kept, *more, *place, *own_option(plan.config_dir)])


def recovery_command(store: Store, plan: Plan, step: Step | None = None, kind: str = "") -> str:
    """Return the command after a failure: a retry of a sweep on Slurm, otherwise the same sweep.

    Args:
        step: the failed step; a job that ran out of memory or time asks for twice as much.
        kind: kind of the failure; after one of the data a setting must change, so the sweep is launched again.
    """
    if plan.cluster.launcher != "slurm" or kind == "data":
        return sweep_command(plan, store.root)
    name = _LIMITS.get(kind, "")
    amount = getattr(job_of(plan.cluster, step), name) if step and name else 0
    more = [f"cluster.jobs.{step.stage}.{name}={2 * amount:g}"] if step and amount else []
    return command(store, "retry", plan.ablation, *more, config_dir=plan.config_dir)

"""Commands that a user is told, ready to be pasted."""

import shlex
from pathlib import Path

from mmprolong.config.groups import own_option
from mmprolong.config.overrides import assigned, key_of
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.store.store import Store
from mmprolong.sweep.resources import job_of

_LACKED = {"memory": "memory", "time": "minutes"}
"""What a job asks for and ran out of, by kind of failure: a setting of `cluster.jobs`."""


def command(store: Store, *words: str, config_dir: str = "") -> str:
    """Return `mmprolong WORDS`, of this store.

    Args:
        config_dir: where the user's own files lay at the launch; where they lie now comes first.
    """
    place = [] if str(store.root) == "store" else ["--store", str(store.root)]
    return shlex.join(["mmprolong", *words, *place, *own_option(config_dir)])


def sweep_command(plan: Plan, store: Path | None, *more: str) -> str:
    """Return the command that launched `plan`; `more` overrides take the place of those of the same keys.

    Args:
        store: where it runs; None: where the plan says.
    """
    place = [assigned("paths.store", str(store))] if store and str(store) != "store" else []
    replaced = {key_of(text) for text in more} | ({"paths.store"} if store else set())
    typed = plan.overrides or (f"+ablation={plan.ablation}",)
    kept = (text for text in typed if key_of(text) not in replaced)
    return shlex.join(["python", "-m", "mmprolong.sweep", *kept, *more, *place, *own_option(plan.config_dir)])


def again(store: Store, plan: Plan, step: Step | None = None, kind: str = "") -> str:
    """Return what a user types after a failure: a retry where the sweep was launched on Slurm, else the same sweep.

    Args:
        step: that failed; a job that ran out of something asks for twice as much.
        kind: of failure. A setting is mended in the sweep.
    """
    if plan.cluster.launcher != "slurm" or kind == "data":
        return sweep_command(plan, store.root)
    name = _LACKED.get(kind, "")
    amount = getattr(job_of(plan.cluster, step), name) if step and name else 0
    more = [f"cluster.jobs.{step.stage}.{name}={2 * amount:g}"] if step and amount else []
    return command(store, "retry", plan.ablation, *more, config_dir=plan.config_dir)

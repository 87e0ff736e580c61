"""Commands that a user is told, ready to be pasted."""

import shlex
from pathlib import Path

from mmprolong.config.groups import own_option
from mmprolong.config.overrides import assigned, key_of
from mmprolong.pipeline.plan import Plan
from mmprolong.store.store import Store
from mmprolong.sweep.resources import job_of

_ASKED = {"memory": "memory", "time": "minutes"}
"""What a job ran out of, by kind of failure: a setting of `cluster.jobs`."""


def command(store: Store, *words: str, config_dir: str = "") -> str:
    """`mmprolong WORDS`, of this store.

    Args:
        config_dir: where the user's own files lay at the launch; where they lie now comes first.
    """
    place = [] if str(store.root) == "store" else ["--store", str(store.root)]
    return shlex.join(["mmprolong", *words, *place, *own_option(config_dir)])


def sweep_command(plan: Plan, store: Path | None, *more: str) -> str:
    """The command that launched `plan`, or one with `more` overrides, which take the place of those of the same keys.

    Args:
        store: where it runs; None: where the plan says.
    """
    place = [assigned("paths.store", str(store))] if store and str(store) != "store" else []
    replaced = {key_of(text) for text in more} | ({"paths.store"} if store else set())
    typed = plan.overrides or (f"+ablation={plan.ablation}",)
    kept = (text for text in typed if key_of(text) not in replaced)
    return shlex.join(["python", "-m", "mmprolong.sweep", *kept, *more, *place, *own_option(plan.config_dir)])


def again(store: Store, plan: Plan, stage: str, kind: str) -> str:
    """What a user types after a failure: a retry where the sweep was launched on Slurm, else the same sweep.

    Args:
        kind: of failure; a job that ran out of something asks for twice as much. A setting is mended in the sweep.
    """
    if plan.cluster.launcher != "slurm" or kind == "data":
        return sweep_command(plan, store.root)
    return command(store, "retry", plan.ablation, *_more(plan, stage, kind), config_dir=plan.config_dir)


def _more(plan: Plan, stage: str, kind: str) -> list[str]:
    if kind not in _ASKED:
        return []
    asked = getattr(job_of(plan.cluster, stage), _ASKED[kind])
    return [f"cluster.jobs.{stage}.{_ASKED[kind]}={2 * asked:g}"] if asked else []

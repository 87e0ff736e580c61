"""Commands for messages to the user, ready to be pasted."""

import shlex
from pathlib import Path

from mmprolong.config.groups import own_option
from mmprolong.config.overrides import assigned, key_of
from mmprolong.pipeline.plan import Plan
from mmprolong.store.store import Store


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


def recovery_command(store: Store, plan: Plan, kind: str = "") -> str:
    """Return the command after a failure: a retry of a sweep on Slurm, otherwise the same sweep.

    Args:
        kind: kind of the failure; after one of the data a setting must change, so the sweep is launched again.
    """
    if plan.cluster.launcher != "slurm" or kind == "data":
        return sweep_command(plan, store.root)
    return command(store, "retry", plan.ablation, config_dir=plan.config_dir)

"""Plan a retry: it asks for what the launch asked for, and runs what the same command would run today."""

from collections.abc import Sequence
from dataclasses import replace

from mmprolong.config.overrides import key_of
from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import Plan
from mmprolong.settings.knobs import Config
from mmprolong.store.store import Store
from mmprolong.sweep.commands import sweep_command
from mmprolong.sweep.plan import plan_again

_WHERE = ("cluster", "tracking")


def retry_plan(store: Store, plan: Plan, overrides: Sequence[str]) -> tuple[Plan, Config]:
    """Return `plan` with `overrides` of where and how its steps run; the configuration is that of its first point.

    Raises:
        ConfigError: it was not launched on a cluster; an override says what a step is; or the same command would not
            make this plan today, so that its steps would run under names that are not theirs.
    """
    if plan.cluster.launcher != "slurm":
        says = "was not launched on a cluster; the same sweep command runs failed steps again"
        raise ConfigError(f"{plan.ablation}: {says}")
    for text in overrides:
        if key_of(text).partition(".")[0] not in _WHERE:
            raise ConfigError(f"override {text!r}: a retry changes only {' and '.join(_WHERE)}; run the sweep again")
    today, config = plan_again(plan, store.root, overrides)
    if config.cluster.launcher != "slurm":
        says = f"a retry is for Slurm, and cluster={config.cluster.name} has none"
        raise ConfigError(f"{plan.ablation}: {says}; run it here by {sweep_command(plan, store.root, *overrides)}")
    changed = len(today.steps.keys() ^ plan.steps.keys())
    if changed:
        found = f"{changed} steps differ between its plan and what the code and its file say today"
        again = sweep_command(plan, store.root)
        raise ConfigError(f"{plan.ablation}: {found}; launch it again, finished steps stay: {again}")
    return replace(today, overrides=(*plan.overrides, *overrides)), config

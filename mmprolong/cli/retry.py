"""`mmprolong retry`."""

import argparse
from pathlib import Path

from rich.console import Console

from mmprolong.artifacts import Store
from mmprolong.cli.launch import check, show
from mmprolong.cli.lookup import add_store, require_launched


def arguments(parser: argparse.ArgumentParser) -> None:
    """The ablation, and what its jobs are to ask for this time."""
    parser.add_argument("ablation")
    parser.add_argument("overrides", nargs="*", help="such as cluster.jobs.training.minutes=600")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Submit the steps that failed on a cluster, and those that hung on them, again."""
    from mmprolong.plans import load_plan
    from mmprolong.sweep.launched import launched, recall, remember, require_current
    from mmprolong.sweep.slurm import SlurmLauncher

    store = Store(Path(arguments.store))
    require_launched(store, arguments.ablation)
    config = recall(store, arguments.ablation, arguments.overrides)
    check(config, prune=False)
    plan = load_plan(store, arguments.ablation)
    require_current(store, plan)
    done = SlurmLauncher(store, plan, config.cluster, config.tracking).submit()
    remember(store, plan.ablation, [*launched(store, plan.ablation), *arguments.overrides])
    show(store, plan, done, prune=False, console=Console())

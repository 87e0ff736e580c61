"""`mmprolong retry`."""

import argparse
from pathlib import Path

from mmprolong.cli.launch import show
from mmprolong.cli.lookup import add_store
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import refuse
from mmprolong.store.store import Store


def arguments(parser: argparse.ArgumentParser) -> None:
    """The ablation, and what its jobs are to ask for this time."""
    parser.add_argument("ablation")
    parser.add_argument("overrides", nargs="*", help="such as cluster.jobs.training.minutes=600")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Submit the steps that failed on a cluster, and those that hung on them, again."""
    from mmprolong.pipeline.plan import load_plan
    from mmprolong.sweep.resources import wrong_jobs
    from mmprolong.sweep.retry import retry_plan
    from mmprolong.sweep.slurm.submit import SlurmLauncher

    store = Store(Path(arguments.store))
    plan, config = retry_plan(store, load_plan(store, arguments.ablation), arguments.overrides)
    refuse(wrong_jobs(config.cluster, plan.steps.values()))
    launched = SlurmLauncher(store, plan, config.cluster, config.tracking).submit()
    show(store, plan, launched, prune=False, console=Terminal())

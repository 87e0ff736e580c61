"""What a sweep has left in its store."""

import shutil
from pathlib import Path

from mmprolong.pipeline.plan import load_plan
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store


def records(store: Path) -> dict[str, RunRecord]:
    plan = load_plan(Store(store), "length_dist")
    found = {name: Store(store).record(step.stage, name) for name, step in plan.steps.items()}
    return {name: record for name, record in found.items() if record is not None}


def hashes(store: Path) -> dict[str, dict[str, str]]:
    return {name: record.outputs for name, record in records(store).items()}


def copied(store: Path, copy: Path) -> Path:
    """The steps and the plan of a finished store in a store that may be changed."""
    return shutil.copytree(store, copy, ignore=shutil.ignore_patterns("reports", "wandb", "logs"))

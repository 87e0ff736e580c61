"""A user of a real Slurm: launches sweeps of the small stages, asks, waits."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mmprolong.store.store import Store
from mmprolong.sweep.slurm.job_list import job_log, read_jobs
from tests.echo import run
from tests.slurm.cluster import Cluster, missing

MARKS = [
    pytest.mark.xdist_group("slurm"),
    pytest.mark.skipif(bool(missing()), reason=f"Slurm is not installed: {', '.join(missing())} not found"),
]
LIVE = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED"}


class Site:
    """A user's view: the cluster, the package and a store."""

    def __init__(self, cluster: Cluster, package: Path, store: Path) -> None:
        self.cluster = cluster
        self.package = package
        self.root = store
        self.store = Store(store)

    def drive(self, command: str, *words: str, code: int = 0, **variables: str) -> Any:
        """What a command of the driver answers."""
        typed = ["-m", "mmprolong.echo.drive", command, str(self.root), *words]
        found, out, err = run(self.package, *typed, env={**self.cluster.environment, **variables})
        assert found == code, err
        return json.loads(out.splitlines()[-1])

    def launch(self, arms: dict[str, Any], ablation: str = "a", jobs: Any = None, **variables: str) -> Any:
        """Submit a sweep whose `counting` is shared by three jobs."""
        return self.drive("launch", sweep(arms, ablation, jobs), **variables)

    def states(self, ablation: str = "a") -> dict[str, list[str]]:
        """State, reason and job of every step, by `stage/label`."""
        return self.drive("states", ablation)

    def job(self, label: str, stage: str) -> str:
        """The newest job of an arm's step."""
        return read_jobs(self.store)[self.folder(label, stage).name].job

    def folder(self, label: str, stage: str = "summing") -> Path:
        newest = [name for name in read_jobs(self.store) if name.startswith(f"{label}-")]
        return next(self.root / stage / name for name in newest if (self.root / stage / name).exists())

    def log(self, job: str) -> str:
        path = job_log(self.store, job)
        return path.read_text() if path.exists() else ""

    def wait(self, ready: Callable[[], Any], what: str, seconds: float = 200) -> None:
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, f"{what}: not after {seconds} s; {self.cluster.states()}"
            time.sleep(0.1)

    def updated(self, label: str) -> Callable[[], bool]:
        """Whether a summing step has made an update."""
        return lambda: any(self.root.glob(f"summing/{label}-*/log.jsonl"))

    def updates(self, label: str) -> list[int]:
        """Updates of a summing step, in the order of its log."""
        lines = (self.folder(label) / "log.jsonl").read_text().splitlines()
        return [json.loads(line)["update"] for line in lines]

    def drain(self) -> dict[str, str]:
        """Wait for the end of all jobs; their last states."""
        self.wait(lambda: not LIVE & set(self.cluster.states().values()), "end of all jobs")
        return self.cluster.states()

    @contextmanager
    def held(self) -> Iterator[None]:
        """The node takes no new jobs meanwhile."""
        self.cluster.ask("scontrol", "update", "NodeName=node", "State=DRAIN", "Reason=test")
        try:
            yield
        finally:
            self.cluster.ask("scontrol", "update", "NodeName=node", "State=RESUME")

    def hashes(self) -> dict[str, dict[str, str]]:
        found = (self.store.record(*path.parent.parts[-2:]) for path in self.root.glob("*/*/done.json"))
        return {record.id: record.outputs for record in found if record is not None}


def sweep(arms: dict[str, Any], ablation: str = "a", jobs: Any = None) -> str:
    """A sweep as the driver reads it."""
    asked = {"default": {"minutes": 5}, "counting": {"minutes": 5, "parts": 3}, **(jobs or {})}
    cluster = {"name": "test", "launcher": "slurm", "jobs": asked}
    return json.dumps({"ablation": ablation, "cluster": cluster, "arms": arms})

"""A user of a real Slurm: launches, asks, waits, and undoes steps of a finished sweep so that they run again."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmprolong.pipeline.plan import load_plan
from mmprolong.store.store import Store
from mmprolong.sweep.arrays import descendants
from mmprolong.sweep.standing import log_path
from mmprolong.sweep.submissions import latest
from tests.slurm.cluster import Cluster, missing
from tests.small import command

MARKS = [
    pytest.mark.xdist_group("slurm"),
    pytest.mark.skipif(bool(missing()), reason=f"Slurm is not installed: {', '.join(missing())} not found"),
]
LONG = ("phases.longpt.mixture.tokens=16384", "phases.longpt.source.documents=160")
"""Updates enough to be disturbed between two of them."""
SWEEP = ("tracking=off", "sweep.seeds=[0]", *LONG)
SLURM = ("cluster=slurm_cpu", "cluster.jobs.default.cpus=1", "cluster.jobs.default.memory=0", *SWEEP)
LIVE = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED"}
ARMS = ("pool_native", "uniform")


class Site:
    """A user's view: the cluster, a pool of PDFs and a store."""

    def __init__(self, cluster: Cluster, pool: Path, store: Path) -> None:
        self.cluster = cluster
        self.pool = pool
        self.root = store
        self.store = Store(store)

    def run(self, words: list[str], code: int = 0, **variables: str) -> str:
        """Everything that a command printed; its exit code must be `code`."""
        environment = {**self.cluster.environment, "COLUMNS": "250", **variables}
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def launch(self, *more: str, code: int = 0) -> str:
        return self.run(command(self.root, self.pool, *SLURM, *more), code)

    def cli(self, *words: str) -> str:
        return self.run([sys.executable, "-m", "mmprolong.cli", *words, "--store", str(self.root)])

    def state(self, label: str) -> str:
        """What `mmprolong status` says that a point does."""
        lines = self.cli("status", "length_dist").splitlines()
        return next(line.split("│")[4].strip() for line in lines if label in line)

    @property
    def dashboard(self) -> Path:
        return self.root / "reports" / "length_dist" / "dashboard.html"

    def job(self, stage: str, label: str) -> str:
        """The newest job of an arm's step of the long phase."""
        return latest(self.store)[self.step(stage, label)].job

    def processes(self, stage: str, label: str) -> list[int]:
        """Of the newest job of an arm's step."""
        return self.cluster.processes(self.job(stage, label))

    def step(self, stage: str, label: str) -> str:
        point = next(point for point in load_plan(self.store, "length_dist").points if point.label == label)
        return point.steps.get(stage) or point.steps[f"longpt.{stage}"]

    def folder(self, stage: str, label: str) -> Path:
        return self.store.folder(stage, self.step(stage, label))

    def log(self, stage: str, label: str) -> str:
        """What the newest job of an arm's step has written."""
        path = log_path(self.store, latest(self.store)[self.step(stage, label)])
        return path.read_text() if path.exists() else ""

    def wait(self, ready: Callable[[], bool], what: str, seconds: float = 150) -> None:
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, f"{what}: not after {seconds} s; {self.cluster.states()}"
            time.sleep(0.1)

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
        plan = load_plan(self.store, "length_dist")
        found = {name: self.store.record(step.stage, name) for name, step in plan.steps.items()}
        return {name: record.outputs for name, record in found.items() if record is not None}

    def training(self, label: str) -> Callable[[], bool]:
        """Whether an arm's training has made an update and is not over."""
        return lambda: (self.folder("training", label) / "log.jsonl").exists()


def undone(here: Site, store: Path, *steps: tuple[str, str]) -> Site:
    """A copy of the finished store in which some steps, by stage and label, and all that needs them, are undone."""
    shutil.copytree(here.root, store, ignore=shutil.ignore_patterns("reports", "wandb", "logs", "manifests"))
    site = Site(here.cluster, here.pool, store)
    plan = load_plan(site.store, "length_dist")
    names = {site.step(stage, label) for stage, label in steps}
    for name in names | descendants(plan, names):
        shutil.rmtree(store / plan.steps[name].stage / name)
    return site

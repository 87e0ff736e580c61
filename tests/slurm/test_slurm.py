"""The sweep on a real Slurm: launched as a user does, disturbed as clusters do, compared with a run on this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmprolong.artifacts import Store
from mmprolong.plans import load_plan
from mmprolong.sweep.arrays import descendants
from mmprolong.sweep.standing import log_path
from mmprolong.sweep.submissions import latest
from tests.slurm.cluster import Cluster, booted, missing
from tests.small import command, small_pool

pytestmark = [
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

    def run(self, words: list[str], code: int = 0) -> str:
        """Everything that a command printed; its exit code must be `code`."""
        environment = {**self.cluster.environment, "COLUMNS": "250"}
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

    def job(self, stage: str, label: str) -> str:
        """The newest job of an arm's step of the long phase."""
        return latest(self.store)[self.step(stage, label)].job

    def step(self, stage: str, label: str) -> str:
        point = next(point for point in load_plan(self.store, "length_dist").points if point.label == label)
        return point.steps[stage if stage in ("reply", "score") else f"longpt.{stage}"]

    def folder(self, stage: str, label: str) -> Path:
        return self.store.folder(stage, self.step(stage, label))

    def log(self, stage: str, label: str) -> str:
        return log_path(self.store, latest(self.store)[self.step(stage, label)]).read_text()

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


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with booted(tmp_path_factory.mktemp("slurm") / "site") as running:
        yield running


@pytest.fixture(scope="module")
def here(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The sweep, finished on this machine."""
    folder = tmp_path_factory.mktemp("here")
    site = Site(cluster, small_pool(folder / "pool"), folder / "store")
    site.run(command(site.root, site.pool, *SWEEP))
    return site


@pytest.fixture
def without(here: Site, tmp_path: Path) -> Callable[..., Site]:
    """A copy of the finished store in which the steps of a stage of some arms, and all that needs them, are undone."""

    def prepare(stage: str, *labels: str) -> Site:
        store = tmp_path / "store"
        shutil.copytree(here.root, store, ignore=shutil.ignore_patterns("reports", "wandb", "logs", "pools.json"))
        site = Site(here.cluster, here.pool, store)
        plan = load_plan(site.store, "length_dist")
        undone = {site.step(stage, label) for label in labels}
        for name in undone | descendants(plan, undone):
            shutil.rmtree(store / plan.steps[name].stage / name)
        return site

    return prepare


def test_a_sweep_on_slurm_ends_in_the_results_of_this_machine(here: Site, tmp_path: Path):
    site = Site(here.cluster, here.pool, tmp_path / "store")
    shown = site.launch()
    assert "aftercorr:" in shown
    assert "mmprolong status length_dist --store" in shown
    assert not site.hashes()
    assert ", job 1" in site.cli("status", "length_dist")
    site.drain()
    assert site.hashes() == here.hashes()
    assert len({latest(site.store)[site.step("training", label)].array for label in ARMS}) == 1
    code = next((site.root / "plans" / "length_dist").glob("code-*"))
    assert f"code {code}/mmprolong" in site.log("training", "uniform")
    record = site.store.record("training", site.step("training", "uniform"))
    assert record is not None
    assert record.commit == json.loads((code / "code.json").read_text())["commit"]
    assert "nothing to submit" in site.launch()


def warn(site: Site, job: str) -> None:
    """What Slurm does some time before the time limit."""
    site.cluster.ask("scancel", "--signal=USR2", job)


def preempt(site: Site, job: str) -> None:
    """Somebody with more rights wants all cores."""
    site.cluster.ask("sbatch", "-p", "urgent", "-n", "4", "-o", "/dev/null", "--wrap", "sleep 1")


@pytest.mark.parametrize("disturb", [warn, preempt])
def test_training_that_is_stopped_goes_on_from_its_snapshot(
    here: Site, without: Callable[..., Site], disturb: Callable[[Site, str], None]
):
    site = without("training", "uniform")
    site.launch("tracking=offline", "training.checkpoint_seconds=3600")
    site.wait(site.training("uniform"), "first update")
    job = site.job("training", "uniform")
    disturb(site, job)
    site.wait(lambda: "Restarts=1" in site.cluster.ask("scontrol", "show", "job", job), "requeue", 60)
    snapshots = site.folder("training", "uniform") / "checkpoints"
    site.wait(lambda: len(list(snapshots.glob("[0-9]" * 8))) == 1, "snapshot", 30)
    site.drain()
    assert site.hashes() == here.hashes()
    assert site.log("training", "uniform").count("submitit INFO") > site.log("reply", "uniform").count("submitit INFO")
    lines = [json.loads(line) for line in (site.folder("training", "uniform") / "log.jsonl").read_text().splitlines()]
    assert [line["update"] for line in lines] == list(range(1, len(lines) + 1))


def test_cancelled_and_killed_jobs_are_told_apart_and_tried_again(here: Site, without: Callable[..., Site]):
    site = without("training", *ARMS)
    site.launch()
    for label in ARMS:
        site.wait(site.training(label), "first update")
    site.cluster.ask("scancel", site.job("training", "pool_native"))
    for pid in site.cluster.processes(site.job("training", "uniform")):
        os.kill(pid, signal.SIGKILL)
    states = site.drain()
    assert states[site.job("training", "pool_native")] == "CANCELLED"
    assert states[site.job("training", "uniform")] == "FAILED"
    assert {states[site.job("reply", label)] for label in ARMS} == {"CANCELLED"}
    shown = site.cli("status", "length_dist")
    assert "longpt.training failed (cancelled)" in shown
    assert "longpt.training failed (killed)" in shown
    assert "finished" in shown
    again = site.cli("retry", "length_dist")
    assert [again.count(stage) for stage in ("corpus", "mixture", "training", "reply", "score")] == [0, 0, 1, 1, 1]
    site.drain()
    assert site.hashes() == here.hashes()


def test_a_failed_arm_takes_only_itself_along(here: Site, without: Callable[..., Site]):
    site = without("mixture", "uniform")
    narrow = "['length_distribution=uniform','phases.longpt.mixture.pack=100']"
    site.launch(f"+sweep.points.narrow={narrow}")
    states = site.drain()
    assert states[site.job("mixture", "narrow")] == "FAILED"
    assert {states[site.job(stage, "narrow")] for stage in ("training", "reply", "score")} == {"CANCELLED"}
    assert here.hashes().items() <= site.hashes().items()
    shown = site.cli("status", "length_dist")
    assert "longpt.mixture failed (data)" in shown
    assert "a pack holds 100; raise it" in shown
    assert "raise it" in site.cli("logs", "length_dist")
    assert "mend the setting" in shown


def test_two_launches_and_a_run_here_at_once_are_one_result(here: Site, without: Callable[..., Site]):
    site = without("mixture", "uniform")
    words = [command(site.root, site.pool, *SLURM)] * 2 + [command(site.root, site.pool, *SWEEP)]
    environment = site.cluster.environment
    running = [subprocess.Popen(each, env=environment, stdout=subprocess.DEVNULL) for each in words]
    assert [each.wait(200) for each in running] == [0, 0, 0]
    assert "FAILED" not in {site.drain()[each.job] for each in latest(site.store).values()}
    assert site.hashes() == here.hashes()


def test_jobs_in_the_queue_are_not_submitted_again_and_can_be_pruned_and_cancelled(without: Callable[..., Site]):
    site = without("training", *ARMS)
    with site.held():
        site.launch()
        before = set(site.cluster.states())
        shown = site.launch()
        assert "nothing to submit" in shown
        assert "6 steps were in the queue already" in shown
        assert set(site.cluster.states()) == before
        base, native = "['phases.longpt.mixture.tokens=0']", "['length_distribution=pool_native']"
        fewer = f"sweep.points={{base:{base},pool_native:{native}}}"
        jobs = [site.job(stage, "uniform") for stage in ("training", "reply", "score")]
        assert "3 jobs of points that are no longer in the file" in site.launch(fewer)
        assert {site.cluster.states()[job] for job in jobs} == {"PENDING"}
        site.launch(fewer, "--prune")
        assert not {site.cluster.states().get(job) for job in jobs} & LIVE
        assert site.cli("cancel", "length_dist").count("cancelled:") == 3
        assert not LIVE & set(site.cluster.states().values())


def test_jobs_that_are_cancelled_before_they_begin_are_not_unknown(without: Callable[..., Site]):
    site = without("training", *ARMS)
    with site.held():
        site.launch()
        site.cluster.ask("scancel", site.job("training", "uniform"))
        assert site.job("training", "uniform") not in site.cluster.states()
        assert site.state("uniform").startswith("longpt.training failed (cancelled): Slurm: ")
        assert "queued" in site.state("pool_native")
        site.cli("cancel", "length_dist", "uniform")
        site.cli("cancel", "length_dist", "pool_native")
        assert site.state("pool_native").startswith("longpt.training failed (cancelled): ")
        assert "unknown" not in site.cli("status", "length_dist")


def test_a_job_that_slurm_refuses_is_one_line_and_leaves_nothing_queued(without: Callable[..., Site]):
    site = without("training", *ARMS)
    with site.held():
        shown = site.launch("+cluster.jobs.reply={partition:nowhere,cpus:1}", code=1)
        assert "cluster.jobs.reply: " in shown
        assert "invalid partition" in shown
        assert not LIVE & set(site.cluster.states().values())

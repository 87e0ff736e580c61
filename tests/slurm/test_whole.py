"""The real stages on a real Slurm: in parts the bytes, in ranks the losses of a run on this machine."""

import json
import shutil
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster
from tests.slurm.site import LIVE, MARKS, Site
from tests.small import command, run, small_pool

pytestmark = MARKS
ONE_ARM = ("tracking=off", "sweep.seeds=[0]", "~sweep.points.uniform", "~sweep.points.base", "phases.longpt.start=[]")
JOBS = ("cluster=slurm_cpu", *(f"cluster.jobs.default.{asked}" for asked in ("cpus=1", "memory=0", "parts=2")))
RANKS = (
    *("+cluster.jobs.training.ranks=2", "+cluster.jobs.training.parts=1", "+cluster.jobs.training.memory=0"),
    *("training.engine.name=deepspeed", "training.engine.zero=2", "training.engine.sequence=1"),
)


@pytest.fixture(scope="module")
def here(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A sweep that ran on this machine, beside its pool."""
    folder = tmp_path_factory.mktemp("whole")
    site = Site(cluster, folder, folder / "store")
    done = run(command(site.root, small_pool(folder / "pool"), *ONE_ARM))
    assert done.returncode == 0, done.stderr
    return site


def test_a_sweep_in_parts_ends_in_the_results_of_this_machine(here: Site, tmp_path: Path):
    site = Site(here.cluster, tmp_path, tmp_path / "store")
    done = run(command(site.root, here.package / "pool", *ONE_ARM, *JOBS), env=here.cluster.environment)
    assert "submitted" in done.stdout, done.stderr
    site.drain()
    assert site.hashes() == here.hashes()


def test_training_in_ranks_goes_on_after_a_warning_and_ends_with_the_losses_of_one_process(here: Site, tmp_path: Path):
    site = Site(here.cluster, tmp_path, tmp_path / "store")
    for stage in ("corpus", "selection", "synthesis", "render", "measurement", "mixture", "samples"):
        shutil.copytree(here.root / stage, site.root / stage)
    done = run(command(site.root, here.package / "pool", *ONE_ARM, *JOBS, *RANKS), env=here.cluster.environment)
    assert done.returncode == 0, done.stderr
    site.wait(lambda: _losses(site), "first update")
    (job,) = [job for job, state in site.cluster.states().items() if state == "RUNNING"]
    site.cluster.ask("scancel", "--signal=USR2", job)
    site.wait(lambda: any(site.root.glob("training/*/done.json")), "end of the training")
    site.cluster.ask("scancel", *(job for job, state in site.cluster.states().items() if state in LIVE))  # the replies
    assert "saved, and queued again" in site.log(job)
    assert _losses(site) == pytest.approx(_losses(here), rel=1e-4)


def _losses(site: Site) -> list[float]:
    """Loss of every update, in the order of the log."""
    lines = [line for path in site.root.glob("training/*/log.jsonl") for line in path.read_text().splitlines()]
    return [json.loads(line)["loss"] for line in lines if "loss" in line]

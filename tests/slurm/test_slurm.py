"""The sweep on a real Slurm: launched as a user does, disturbed as clusters do, compared with a run on this machine."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mmprolong.pipeline.plan import load_plan
from mmprolong.sweep.jobstate import array_of
from mmprolong.sweep.submissions import latest
from tests.disk import fill, small_disk
from tests.own import write_own
from tests.slurm.site import ARMS, MARKS, SLURM, SWEEP, Site, undone
from tests.small import command

pytestmark = MARKS


NARROW = "+sweep.points.narrow=['length_distribution=uniform','phases.longpt.mixture.pack=100']"
"""An arm that is impossible."""


@pytest.fixture(scope="module")
def finished(here: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The sweep and an arm that is impossible, launched once and left alone."""
    site = Site(here.cluster, here.pool, tmp_path_factory.mktemp("finished") / "store")
    shown = site.launch(NARROW)
    assert "aftercorr:" in shown
    assert "mmprolong status length_dist --watch --store" in shown
    assert f"dashboard: {site.dashboard}" in shown
    assert not site.hashes()
    assert f", job {site.job('corpus', 'base')}" in site.state("base")
    site.drain()
    return site


def test_a_sweep_on_slurm_ends_in_the_results_of_this_machine(here: Site, finished: Site):
    assert here.hashes().items() <= finished.hashes().items()
    assert len({array_of(latest(finished.store)[finished.step("training", label)].job) for label in ARMS}) == 1
    code = next((finished.root / "plans" / "length_dist").glob("code-*"))
    assert f"code {code}/mmprolong" in finished.log("training", "uniform")
    record = finished.store.record("training", finished.step("training", "uniform"))
    assert record is not None
    assert record.commit == json.loads((code / "code.json").read_text())["commit"]


def test_the_jobs_themselves_keep_the_dashboard(finished: Site):
    page = finished.dashboard.read_text()
    assert "As the disk says" in page
    assert f"{len(finished.hashes())} finished" in page
    assert "1 failed" in page
    assert "3 blocked" in page
    assert "a pack holds 100; raise it" in page
    assert "dashboard:" not in finished.log("training", "uniform")


def test_a_failed_arm_takes_only_itself_along(here: Site, finished: Site):
    states = finished.cluster.states()
    assert states[finished.job("mixture", "narrow")] == "FAILED"
    assert {states[finished.job(stage, "narrow")] for stage in ("training", "reply", "score")} == {"CANCELLED"}
    shown = finished.cli("status", "length_dist")
    assert "longpt.mixture failed (data)" in shown
    assert "a pack holds 100; raise it" in shown
    assert "mend the setting" in shown
    assert "raise it" in finished.cli("logs", "length_dist")
    assert "nothing to submit" in finished.launch()


def test_training_that_is_preempted_goes_on_from_its_snapshot_and_a_cancelled_one_does_not(
    here: Site, without: Callable[..., Site]
):
    site = without("training", *ARMS)
    site.launch("tracking=offline", "training.checkpoint_seconds=3600")
    job, other = (site.job("training", label) for label in ("uniform", "pool_native"))
    site.wait(lambda: site.cluster.states()[other] == "RUNNING", "start")
    site.cluster.ask("scancel", other)
    site.wait(site.training("uniform"), "first update")
    site.cluster.ask("sbatch", "-p", "urgent", "-n", "4", "-o", "/dev/null", "--wrap", "sleep 1")
    site.wait(lambda: "Restarts=1" in site.cluster.ask("scontrol", "show", "job", job), "requeue", 60)
    snapshots = site.folder("training", "uniform") / "checkpoints"
    site.wait(lambda: len(list(snapshots.glob("[0-9]" * 8))) == 1, "snapshot", 30)
    site.drain()
    lost = {site.step(stage, "pool_native") for stage in ("training", "reply", "score")}
    assert site.hashes() == {name: found for name, found in here.hashes().items() if name not in lost}
    assert site.log("training", "uniform").count("submitit INFO") > site.log("reply", "uniform").count("submitit INFO")
    lines = [json.loads(line) for line in (site.folder("training", "uniform") / "log.jsonl").read_text().splitlines()]
    assert [line["update"] for line in lines] == list(range(1, len(lines) + 1))
    assert site.cluster.states()[site.job("reply", "pool_native")] == "CANCELLED"
    assert site.state("pool_native").startswith("longpt.training failed (cancelled)")


def test_two_launches_and_a_run_here_at_once_are_one_result(here: Site, without: Callable[..., Site]):
    site = without("reply", "uniform")
    words = [command(site.root, site.pool, *SLURM)] * 2 + [command(site.root, site.pool, *SWEEP)]
    environment = site.cluster.environment
    running = [subprocess.Popen(each, env=environment, stdout=subprocess.DEVNULL) for each in words]
    assert [each.wait(200) for each in running] == [0, 0, 0]
    assert "FAILED" not in {site.drain()[each.job] for each in latest(site.store).values()}
    assert site.hashes() == here.hashes()


def test_an_ablation_of_ones_own_runs_on_the_copy_that_was_made_of_it(
    here: Site, without: Callable[..., Site], tmp_path: Path
):
    site, own = without("score", "uniform"), write_own(tmp_path)
    words = [
        word for word in command(site.root, site.pool, *SLURM) if not word.startswith(("+ablation", "sweep.points"))
    ]
    with site.held():
        shown = site.run([*words, "+ablation=rope_fine"], MMPROLONG_CONFIG_DIR=str(own))
        shutil.rmtree(own)
    states = site.drain()
    plan = load_plan(site.store, "rope_fine")
    assert plan.config_dir == str(own) and f"--config-dir {own}" in shown
    third, fourth = (point.steps["longpt.training"] for point in plan.points)
    assert fourth == here.step("training", "pool_native") and third not in here.hashes()
    assert all(site.store.record(step.stage, name) for name, step in plan.steps.items()), states
    assert "3x" in site.cli("status", "rope_fine")


def test_jobs_of_a_node_that_is_lost_run_again_or_say_so(here: Site, without: Callable[..., Site]):
    site = without("reply", *ARMS)
    site.launch()
    jobs = [site.job("reply", label) for label in ARMS]
    site.wait(lambda: all("reply/" in site.log("reply", label) for label in ARMS), "start")
    site.cluster.ask("scontrol", "update", f"JobId={jobs[0]}", "Requeue=0")
    with site.cluster.lost_node():
        ended = ["NODE_FAIL", "PENDING"]
        site.wait(lambda: [site.cluster.states()[job] for job in jobs] == ended, "their end", 30)
        assert site.state("pool_native").startswith("reply failed (node)")
        assert site.state("uniform").startswith("reply queued")
    site.drain()
    assert "not the step's fault: `mmprolong retry length_dist" in site.cli("status", "length_dist")
    site.cli("retry", "length_dist")
    site.drain()
    assert site.hashes() == here.hashes()


def test_a_job_on_a_full_disk_says_so_and_runs_when_there_is_room(here: Site, tmp_path: Path):
    with small_disk(tmp_path / "disk", "64m") as disk:
        site = undone(here, disk / "store", ("training", "uniform"))
        with site.held():
            site.launch()
            filler = fill(disk, 400_000)
        site.drain()
        assert site.state("uniform").startswith("longpt.training failed (disk)")
        assert not list(site.folder("training", "uniform").rglob("*.partial"))
        filler.unlink()
        site.cli("retry", "length_dist")
        site.drain()
        assert site.hashes() == here.hashes()

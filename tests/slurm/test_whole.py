"""The real stages on a real Slurm, in parts: the bytes of a run on this machine."""

from pathlib import Path

from tests.slurm.cluster import Cluster
from tests.slurm.site import MARKS, Site
from tests.small import command, run, small_pool

pytestmark = MARKS
ONE_ARM = ("tracking=off", "sweep.seeds=[0]", "~sweep.points.uniform", "~sweep.points.base", "phases.longpt.start=[]")
JOBS = ("cluster=slurm_cpu", *(f"cluster.jobs.default.{asked}" for asked in ("cpus=1", "memory=0", "parts=2")))


def test_a_sweep_in_parts_ends_in_the_results_of_this_machine(cluster: Cluster, tmp_path: Path):
    pool = small_pool(tmp_path / "pool")
    sites = [Site(cluster, tmp_path, tmp_path / name) for name in ("slurm", "here")]
    done = run(command(sites[0].root, pool, *ONE_ARM, *JOBS), env=cluster.environment)
    assert "2 shares of 1" in done.stdout, done.stderr
    here = run(command(sites[1].root, pool, *ONE_ARM), env=cluster.environment)
    assert here.returncode == 0, here.stderr
    sites[0].drain()
    assert sites[0].hashes() == sites[1].hashes()

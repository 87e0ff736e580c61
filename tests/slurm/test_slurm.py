"""Sweeps on a real Slurm: in parts, in ranks, disturbed as clusters do, equal to a run on this machine."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.echo import start
from tests.slurm.site import MARKS, Site, sweep

pytestmark = MARKS
WHOLE = {"summing": {}, "closing": {}}
SLOW = {"summing": {"updates": 200, "seconds": 0.05}, "closing": {}}


def test_a_sweep_typed_inside_an_allocation_ends_in_the_results_of_this_machine(site: Site, tmp_path: Path):
    arms = {"x": WHOLE, "y": {"summing": {"updates": 5}, "closing": {}}, "z": {"summing": {"fails": 0}, "closing": {}}}
    typed = [sys.executable, "-m", "mmprolong.echo.drive", "launch", str(site.root), sweep(arms)]
    environment = {
        **site.cluster.environment,
        "PYTHONPATH": str(site.package),
        "PYTHONSAFEPATH": "1",
        "SBATCH_PARTITION": "nowhere",
    }
    words = ["salloc", "-Q", "-n", "2", "--mem-per-cpu=100M", *typed]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    counting, *others = json.loads(done.stdout.splitlines()[-1])["submitted"]
    assert (counting["width"], len(others)) == (3, 6)
    assert counting["parts"]
    site.drain()
    ran = [line.split() for line in (site.root / "ran.txt").read_text().splitlines()]
    assert sorted(ran) == [[str(part), str(part % 3)] for part in range(6)]
    states = site.states()
    assert states["summing/z"][:2] == ["failed", "code: ValueError: no such page"]
    assert states["closing/z"][0] == "blocked"
    assert len(site.hashes()) == 5, (site.states(), [p.read_text() for p in site.root.glob("slurm/*.out")])
    local = Site(site.cluster, site.package, tmp_path / "local")
    local.drive("local", sweep({"x": arms["x"], "y": arms["y"]}))
    assert local.hashes() == site.hashes()
    assert not site.launch(arms)["queued"]


def test_a_step_in_ranks_on_two_nodes_goes_on_after_a_warning_and_names_a_killed_rank(site: Site):
    jobs = {"summing": {"nodes": 2, "ranks": 2, "partition": "pair", "minutes": 5}}
    warned, killed = {"updates": 60, "seconds": 0.05}, {"fails": 3, "how": "kill"}
    site.launch({"x": {"summing": warned}, "y": {"summing": killed}}, jobs=jobs)
    site.wait(site.updated("x"), "first update")
    site.cluster.ask("scancel", "--signal=USR2", site.job("x", "summing"))
    site.drain()
    record = site.store.record("summing", site.folder("x").name)
    assert record is not None
    assert record.metrics == {"sum": 240, "size": 4}
    assert "saved, and queued again" in site.log(site.job("x", "summing"))
    assert site.updates("x") == list(range(1, 61))
    assert site.states()["summing/y"][:2] == ["failed", "killed: rank 3: its process ended with signal 9 (Killed)"]


def test_disturbed_jobs_go_on_or_say_why_not_and_a_retry_runs_the_rest(site: Site):
    hungry = {"summing": {"updates": 1}, "closing": {"megabytes": 300}}
    arms = {"preempted": SLOW, "cancelled": SLOW, "killed": SLOW, "hungry": hungry}
    site.launch(arms, jobs={"closing": {"memory": 0.1, "minutes": 5}})
    site.wait(lambda: all(site.updated(arm)() for arm in arms), "first updates")
    job = site.job("preempted", "summing")
    site.cluster.ask("scancel", site.job("cancelled", "summing"))
    for pid in site.cluster.processes(site.job("killed", "summing")):
        os.kill(pid, signal.SIGKILL)
    site.cluster.ask("sbatch", "-p", "urgent", "-n", "4", "-o", "/dev/null", "--wrap", "sleep 1")
    site.wait(lambda: "Restarts=1" in site.cluster.ask("scontrol", "show", "job", job), "requeue", 60)
    site.drain()
    states = site.states()
    assert states["closing/preempted"][0] == "finished"
    assert site.log(job).count("summing/preempted-") > 1
    assert site.updates("preempted") == list(range(1, 201))
    assert states["summing/cancelled"][1].startswith("cancelled: ")
    assert states["closing/cancelled"][0] == "blocked"
    assert states["summing/killed"][1].startswith("killed: log: srun: ")
    assert states["closing/hungry"][1].startswith("memory: log: ")
    again = site.launch(arms, jobs={"closing": {"memory": 2, "minutes": 5}})
    assert len(again["submitted"]) == 5
    site.drain()
    assert len(site.hashes()) == 9, (site.states(), [p.read_text() for p in site.root.glob("slurm/*.out")])


def test_jobs_of_a_node_that_is_lost_run_again_or_say_so(site: Site):
    site.launch(
        {"x": {"summing": {"updates": 200, "seconds": 0.05}}, "y": {"summing": {"updates": 201, "seconds": 0.05}}}
    )
    site.wait(lambda: site.updated("x")() and site.updated("y")(), "first updates")
    jobs = [site.job(label, "summing") for label in "xy"]
    site.cluster.ask("scontrol", "update", f"JobId={jobs[0]}", "Requeue=0")
    with site.cluster.lost_node():
        ended = ["NODE_FAIL", "PENDING"]
        site.wait(lambda: [site.cluster.states()[job] for job in jobs] == ended, "their end", 30)
        assert site.states()["summing/x"][1].startswith("node: ")
        assert site.states()["summing/y"][0] == "queued"
    site.wait(lambda: any(site.root.glob("summing/y-*/done.json")), "the end of its next attempt")


def test_launches_and_a_run_here_at_once_are_one_result(site: Site):
    arms = {"x": WHOLE}
    typed = [("launch", sweep(arms)), ("launch", sweep(arms)), ("local", sweep(arms))]
    words = [["-m", "mmprolong.echo.drive", command, str(site.root), spec] for command, spec in typed]
    running = [start(site.package, *each, env=site.cluster.environment) for each in words]
    assert [each.communicate(timeout=100)[1] for each in running] == [""] * 3
    site.drain()
    assert len(site.hashes()) == 3

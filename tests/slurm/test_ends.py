"""What ends a job early: its time limit, too little memory, SIGKILL. Done by a real Slurm, at once in one sweep."""

import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.slurm.site import MARKS, Site, undone

pytestmark = MARKS
ONE_MINUTE = ("cluster.jobs.default.minutes=1", "cluster.warning=20")
LITTLE_MEMORY = "cluster.jobs.reply.memory=0.2"


@pytest.fixture(scope="module")
def disturbed(here: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A sweep all of whose jobs have ended.

    One training is so slow that Slurm warns it of its limit, and its reply has too little memory; another is killed;
    the score of the base cannot read its input, as on a file system that hangs.
    """
    store = tmp_path_factory.mktemp("disturbed") / "store"
    site = undone(here, store, ("training", "pool_native"), ("training", "uniform"), ("score", "base"))
    replies = site.folder("reply", "base") / "replies.jsonl"
    kept = replies.rename(replies.with_suffix(".kept"))
    os.mkfifo(replies)
    site.launch(*ONE_MINUTE, LITTLE_MEMORY)
    site.wait(site.training("uniform"), "first update")
    for pid in site.processes("training", "uniform"):
        os.kill(pid, signal.SIGKILL)
    site.wait(site.training("pool_native"), "first update")
    for pid in site.processes("training", "pool_native"):
        os.kill(pid, signal.SIGSTOP)
        site.wait(lambda pid=pid: warned(pid), "Slurm's warning")
        os.kill(pid, signal.SIGCONT)
    site.drain()
    kept.replace(replies)
    return site


def warned(pid: int) -> bool:
    """Whether SIGUSR2 waits for a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = (int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd")))
    return any(mask >> (signal.SIGUSR2 - 1) & 1 for mask in masks)


@pytest.fixture(scope="module")
def retried(disturbed: Site) -> Site:
    """The same after `mmprolong retry` with what was lacking."""
    disturbed.cli("retry", "length_dist", "cluster.jobs.default.minutes=9", "cluster.jobs.reply.memory=4")
    disturbed.drain()
    return disturbed


def test_training_that_slurm_warns_of_its_limit_is_queued_again_and_finishes(here: Site, disturbed: Site):
    assert "saved, and queued again" in disturbed.log("training", "pool_native")
    finished = disturbed.step("training", "pool_native")
    assert disturbed.hashes()[finished] == here.hashes()[finished]


def test_a_job_that_cannot_heed_the_warning_is_ended_at_its_limit_and_named(disturbed: Site):
    assert disturbed.cluster.states()[disturbed.job("score", "base")] == "TIMEOUT"
    assert disturbed.state("base").startswith("score failed (time): Slurm: timeout on node")
    assert "cluster.jobs.score.minutes" in disturbed.cli("status", "length_dist")


def test_a_job_that_needs_more_memory_than_it_asked_for_is_named(disturbed: Site):
    assert disturbed.state("pool_native").startswith("reply failed (memory): log: ")
    assert "cluster.jobs.reply.memory" in disturbed.cli("status", "length_dist")


def test_a_job_that_is_killed_is_named(disturbed: Site):
    assert disturbed.cluster.states()[disturbed.job("training", "uniform")] == "FAILED"
    assert disturbed.cluster.states()[disturbed.job("reply", "uniform")] == "CANCELLED"
    assert disturbed.state("uniform").startswith("longpt.training failed (killed)")


def test_a_retry_with_more_ends_in_the_results_of_this_machine(here: Site, retried: Site):
    assert retried.hashes() == here.hashes()


def test_a_retry_submits_only_what_has_no_result(retried: Site):
    lines = (retried.root / "plans" / "length_dist" / "jobs.jsonl").read_text().splitlines()
    times = Counter(json.loads(line)["step"] for line in lines)
    assert times.pop(retried.step("training", "pool_native")) == 1
    assert set(times.values()) == {2}

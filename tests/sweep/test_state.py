"""Where steps stand, with a queue that says what the test wants: a second implementation of the same protocol."""

import fcntl
import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong.runtime.failures import Failure, write_failure
from mmprolong.settings.execution import Tracking
from mmprolong.store.lease import LEASE, is_held, lease
from mmprolong.store.store import PROGRESS, SCRATCH, Store
from mmprolong.sweep.assignment import Assignment, local_log, tail
from mmprolong.sweep.local import Launcher
from mmprolong.sweep.logs import last_lines
from mmprolong.sweep.slurm.job_list import append_jobs, job_log, read_jobs
from mmprolong.sweep.slurm.queue import JobState
from mmprolong.sweep.state import StepState, completed_steps, step_states, unneeded_steps
from tests.sweep.chains import ARMS, plan
from tests.sweep.queues import CHAIN, SaidQueue, SilentQueue, finish, submit

BEGINS, BEGINS_REPLY = (
    Assignment(step=CHAIN.steps[name], ablation="a", tracking=Tracking()).heading for name in ("training0", "reply0")
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Every step of the chain was submitted: jobs 1, 2, 3."""
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    return store


def states(found: dict[str, StepState]) -> list[str]:
    return [each.state for each in found.values()]


def write(store: Store, text: str, job: str = "1") -> Path:
    """What a job wrote."""
    path = job_log(store, job)
    path.write_text(text)
    return path


def failure_of(store: Store, **known: JobState) -> Failure:
    failure = step_states(store, CHAIN, SaidQueue(**known))["training0"].failure
    assert failure is not None
    return failure


def cancelled(store: Store) -> None:
    append_jobs(store, [replace(each, cancelled=True) for each in read_jobs(store).values()])


# What Slurm says


def test_what_slurm_does_not_know_is_unknown_and_not_failed(store: Store):
    found = step_states(store, CHAIN, SaidQueue())
    assert states(found) == ["unknown"] * 3
    assert found["training0"].detail == "Slurm does not know job 1"


def test_what_we_cancelled_is_cancelled_when_slurm_has_forgotten_it(store: Store):
    cancelled(store)
    assert states(step_states(store, CHAIN, SaidQueue())) == ["failed", "blocked", "blocked"]
    assert failure_of(store).kind == "cancelled"


def test_a_controller_that_does_not_answer_makes_nothing_fail(store: Store):
    finish(store, "training", "training0")
    found = step_states(store, CHAIN, SilentQueue())
    assert states(found) == ["finished", "unknown", "unknown"]
    assert "Unable to contact" in found["reply0"].detail


def test_a_result_counts_whatever_the_queue_says(store: Store):
    finish(store, "training", "training0")
    ended = SaidQueue(job1=JobState("NODE_FAIL"), job2=JobState("RUNNING"), job3=JobState("PENDING", "Dependency"))
    assert states(step_states(store, CHAIN, ended)) == ["finished", "running", "queued"]


def test_steps_that_need_a_failed_one_are_blocked(store: Store):
    gone = JobState("CANCELLED", exit_code="0:0")
    found = step_states(store, CHAIN, SaidQueue(job1=JobState("TIMEOUT", node="n7"), job2=gone, job3=gone))
    assert states(found) == ["failed", "blocked", "blocked"]
    assert found["training0"].failure == Failure("time", "Slurm: timeout on n7")


def test_a_step_whose_parts_are_shared_runs_as_soon_as_one_of_the_sharers_does(tmp_path: Path):
    store, made = Store(tmp_path), plan(reply0="")
    submit(store, made, "8", parts="7", width=2)
    waits = JobState("PENDING", "Dependency")
    assert states(step_states(store, made, SaidQueue(job8=waits, job7_0=JobState("PENDING")))) == ["queued"]
    assert states(step_states(store, made, SaidQueue(job8=waits, job7_1=JobState("RUNNING")))) == ["running"]
    assert states(step_states(store, made, SaidQueue(job8=waits, job7_0=JobState("COMPLETED")))) == ["queued"]


# What the disk says


def test_a_step_says_itself_why_it_failed(store: Store):
    write_failure(store.folder("training", "training0"), Failure("data", "pack too small"))
    assert failure_of(store, job1=JobState("FAILED")).kind == "data"


def test_a_damaged_step_has_failed_and_says_so(store: Store):
    finish(store, "training", "training0")
    (store.folder("training", "training0") / "done.json").write_text("{")
    assert "delete the folder to run the step again" in failure_of(store).message


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        ("slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.0", "memory"),
        (
            "slurmstepd: error: Exceeded job memory limit\nslurmstepd: error: *** STEP 1.0 ON n7 CANCELLED AT 2026 ***",
            "memory",
        ),
        ("slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026-11-22T04:00:00 DUE TO TIME LIMIT ***", "time"),
        ("srun: error: Node failure on n7", "node"),
        ("slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026-11-22T04:00:00 DUE TO NODE FAILURE ***", "node"),
        ("slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026-11-22T04:00:00 ***", "cancelled"),
    ],
)
def test_the_log_says_why_where_no_accounts_are_kept(store: Store, last: str, kind: str):
    write(
        store, f"*** JOB 1 ON n7 CANCELLED AT 2026 DUE TO PREEMPTION ***\n{BEGINS}\n{last}\n* DUE TO JOB REQUEUE *\n\n"
    )
    assert failure_of(store).kind == kind


@pytest.mark.parametrize(
    "words",
    [
        f"slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026 DUE TO PREEMPTION ***\nsubmitit INFO\n{BEGINS}",
        f"slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026 DUE TO NODE FAILURE ***\nsubmitit INFO\n{BEGINS}",
        f"{BEGINS}\nattention: ImportError: libcudart is not there, falls back to sdpa",
        f"{BEGINS}\nW&B: training0 is not whole: [Errno 28] No space left on device",
    ],
)
def test_an_earlier_attempt_or_a_warning_does_not_say_why_a_job_was_killed(store: Store, words: str):
    write(store, f"{words}\nloss 2\n")
    assert failure_of(store, job1=JobState("FAILED", exit_code="0:9")).kind == "killed"


def test_a_job_that_could_not_begin_was_killed_by_nobody(store: Store):
    write(store, "srun: error: Unable to create step for job 1: More processors requested than permitted\n")
    failure = failure_of(store, job1=JobState("FAILED", exit_code="1:0"))
    assert failure.kind == "job"
    assert "by a person" not in failure.advice("training", "again")


# What this machine says


def test_a_step_of_this_machine_runs_as_long_as_its_lease_is_held(store: Store):
    folder = store.folder("training", "training0")
    folder.mkdir(parents=True)
    (folder / PROGRESS).write_text(json.dumps({"done": 3, "total": 9, "unit": "updates", "rate": 1.0}))
    with lease(folder, waiting=lambda: None):
        found = step_states(store, CHAIN, SaidQueue())["training0"]
        assert (found.state, found.progress["done"]) == ("running", 3)
    assert step_states(store, CHAIN, SaidQueue())["training0"].state == "unknown"


def test_a_step_whose_parts_are_shared_here_runs_as_long_as_it_says_how_far_it_is(store: Store):
    folder = store.folder("reply", "reply0")
    folder.mkdir(parents=True)
    (folder / PROGRESS).write_text("{}")
    assert step_states(store, CHAIN, SaidQueue())["reply0"].state == "running"
    os.utime(folder / PROGRESS, (time.time() - 3600,) * 2)
    assert step_states(store, CHAIN, SaidQueue())["reply0"].state == "unknown"


def test_looking_at_a_lease_takes_it_from_nobody(store: Store):
    assert not is_held(store.root)
    with lease(store.root, waiting=lambda: None):
        assert is_held(store.root)
    with (store.root / LEASE).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # somebody else looks, too
        assert not is_held(store.root)


# What is to be run of a plan of which finished steps were deleted to save disk


@pytest.fixture
def spent(tmp_path: Path) -> Store:
    """The whole chain is finished, and its checkpoint deleted."""
    store = Store(tmp_path)
    for name, step in CHAIN.steps.items():
        finish(store, step.stage, name)
    shutil.rmtree(store.folder("training", "training0"))
    return store


def test_what_was_used_up_is_not_run_again(spent: Store):
    found = step_states(spent, CHAIN)
    assert states(found) == ["finished"] * 3
    assert "deleted" in found["training0"].detail
    assert Launcher(spent, CHAIN).over


def test_what_a_kill_left_in_a_finished_step_is_removed(spent: Store):
    left = spent.folder("reply", "reply0") / SCRATCH
    left.mkdir()
    completed_steps(spent, CHAIN)
    assert not left.exists()


def test_what_an_unfinished_step_needs_is_run_again(spent: Store):
    shutil.rmtree(spent.folder("score", "score0"))
    assert states(step_states(spent, CHAIN)) == ["finished", "finished", "open"]
    shutil.rmtree(spent.folder("reply", "reply0"))
    assert states(step_states(spent, CHAIN)) == ["open"] * 3
    assert completed_steps(spent, CHAIN) == set()


def test_an_input_of_two_arms_is_run_again_for_the_one_that_needs_it():
    assert unneeded_steps(ARMS, {"reply0", "reply1"}) == {"corpus", "mixture0", "mixture1", "training0", "training1"}
    assert unneeded_steps(ARMS, {"reply0", "training1"}) == {"mixture0", "mixture1", "training0"}
    assert unneeded_steps(ARMS, set()) == set()


# Last words

LINES = [f"line {number:05d} {'é' * 60}" for number in range(1000)]


@pytest.mark.parametrize("lines", [0, 1, 60, 500, 1000, 2000])
def test_a_tail_has_as_many_whole_lines_as_were_asked_for(tmp_path: Path, lines: int):
    (tmp_path / "log").write_text("\n\n".join(LINES))
    assert tail(tmp_path / "log", lines) == LINES[max(0, 1000 - lines) :]
    assert tail(tmp_path / "no log", lines) == []


def test_what_failed_is_told_with_its_traceback_and_what_runs_with_its_newest_log(store: Store):
    log = write(store, "batch 2\n", "2")
    write_failure(store.folder("training", "training0"), Failure("code", "KeyError: 3"), "Traceback\nKeyError: 3")
    with lease(store.folder("reply", "reply0"), waiting=lambda: None):
        (_, *failed), (_, *runs) = last_lines(store, CHAIN, "", 1)
        assert (failed[0], failed[-1]) == ("failed (code): KeyError: 3", ["KeyError: 3"])
        assert runs == ["running", log, ["batch 2"]]
        os.utime(log, (time.time() - 3600,) * 2)
        here = local_log(store, CHAIN.steps["reply0"])
        here.parent.mkdir()
        here.write_text(f"{BEGINS_REPLY}\n\nbatch 3\n")
        ((*_, path, lines),) = last_lines(store, CHAIN, "reply", 1)
    assert (lines, path) == (["batch 3"], here)

"""Where steps stand, with a queue that says what the test wants: a second implementation of the same protocol."""

import json
import time
from pathlib import Path

import pytest

from mmprolong.records import RunRecord
from mmprolong.runtime.failures import Failure, write_failure
from mmprolong.store.lease import lease
from mmprolong.store.store import FAILED, PROGRESS, Store, hash_outputs
from mmprolong.sweep.freeze import launches
from mmprolong.sweep.job_logs import heading
from mmprolong.sweep.jobstate import UNLISTED, JobState
from mmprolong.sweep.standing import Standing, last_words, log_path, standings
from mmprolong.sweep.submissions import CANCELLED, JOBS, append, latest, marked
from tests.disk import fill, small_disk
from tests.sweep.queues import CHAIN, SaidQueue, SilentQueue, submit

BEGINS = heading(CHAIN.steps["training0"])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Every step of the chain was submitted: jobs 1, 2, 3."""
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    return store


def finish(store: Store, stage: str, name: str) -> None:
    folder = store.folder(stage, name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "out").write_text("x")
    store.finish(
        RunRecord(id=name, stage=stage, version=1, settings={}, needs={}, metrics={}, outputs=hash_outputs(folder))
    )


def states(found: dict[str, Standing]) -> list[str]:
    return [each.state for each in found.values()]


def test_what_slurm_does_not_know_is_unknown_and_not_failed(store: Store):
    found = standings(store, CHAIN, SaidQueue())
    assert states(found) == ["unknown"] * 3
    assert found["training0"].detail == "Slurm does not know job 1"


@pytest.mark.parametrize(("log", "state"), [("", "failed"), ("submitit INFO - Starting\n", "unknown")])
def test_a_job_that_left_its_array_unheard_was_cancelled_unless_it_had_begun(store: Store, log: str, state: str):
    path = log_path(store, latest(store)["training0"])
    path.parent.mkdir()
    path.write_text(log)
    found = standings(store, CHAIN, SaidQueue(job1=UNLISTED))
    assert states(found) == [state, *["blocked" if state == "failed" else "unknown"] * 2]
    assert found["training0"].failure is None or found["training0"].failure.kind == "cancelled"


def test_what_we_cancelled_is_cancelled_when_slurm_has_forgotten_it(store: Store):
    append(launches(store, CHAIN.ablation), marked(latest(store).values(), CANCELLED))
    found = standings(store, CHAIN, SaidQueue())
    assert states(found) == ["failed", "blocked", "blocked"]
    assert found["training0"].failure is not None
    assert found["training0"].failure.kind == "cancelled"


def test_a_retry_that_we_cancelled_is_cancelled_whatever_failed_before_it(store: Store):
    folder = store.folder("training", "training0")
    write_failure(folder, Failure("memory", "MemoryError"), "Traceback")
    append(launches(store, CHAIN.ablation), marked([latest(store)["training0"]], CANCELLED))
    found = standings(store, CHAIN, SaidQueue(job1=JobState("CANCELLED")))["training0"]
    assert found.failure is not None
    assert found.failure.kind == "cancelled"
    assert last_words(folder, found, 1) == []


def test_a_job_that_failed_while_another_ablation_claimed_it_says_itself_why(store: Store):
    write_failure(store.folder("training", "training0"), Failure("memory", "MemoryError"))
    append(launches(store, "other"), marked([latest(store)["training0"]], ""))
    path = log_path(store, latest(store)["training0"])
    path.parent.mkdir()
    path.write_text(BEGINS)
    failure = standings(store, CHAIN, SaidQueue(job1=JobState("FAILED")))["training0"].failure
    assert failure is not None
    assert failure.kind == "memory"


def test_a_controller_that_does_not_answer_makes_nothing_fail(store: Store):
    finish(store, "training", "training0")
    found = standings(store, CHAIN, SilentQueue())
    assert states(found) == ["finished", "unknown", "unknown"]
    assert "Unable to contact" in found["reply0"].detail


def test_a_result_counts_whatever_the_queue_says(store: Store):
    finish(store, "training", "training0")
    ended = SaidQueue(job1=JobState("NODE_FAIL"), job2=JobState("RUNNING"), job3=JobState("PENDING", "Dependency"))
    assert states(standings(store, CHAIN, ended)) == ["finished", "running", "queued"]


def test_steps_that_need_a_failed_one_are_blocked(store: Store):
    gone = JobState("CANCELLED", exit_code="0:0")
    found = standings(store, CHAIN, SaidQueue(job1=JobState("TIMEOUT", node="n7"), job2=gone, job3=gone))
    assert states(found) == ["failed", "blocked", "blocked"]
    failure = found["training0"].failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("time", "Slurm: timeout on n7")


def test_a_step_says_itself_why_it_failed(store: Store):
    folder = store.folder("training", "training0")
    folder.mkdir(parents=True)
    (folder / FAILED).write_text(json.dumps({"kind": "data", "error": "pack too small"}))
    failure = standings(store, CHAIN, SaidQueue(job1=JobState("FAILED")))["training0"].failure
    assert failure is not None
    assert failure.kind == "data"


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
        ("ModuleNotFoundError: No module named 'torch'", "code"),
    ],
)
def test_the_log_says_why_where_no_accounts_are_kept(store: Store, last: str, kind: str):
    path = log_path(store, latest(store)["training0"])
    path.parent.mkdir()
    path.write_text(f"*** JOB 1 ON n7 CANCELLED AT 2026 DUE TO PREEMPTION ***\n{last}\n* DUE TO JOB REQUEUE *\n\n")
    failure = standings(store, CHAIN, SaidQueue())["training0"].failure
    assert failure is not None
    assert failure.kind == kind


@pytest.mark.parametrize(
    "words",
    [
        f"slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026 DUE TO PREEMPTION ***\nsubmitit INFO\n{BEGINS}",
        f"slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026 DUE TO NODE FAILURE ***\nsubmitit INFO\n{BEGINS}",
        f"{BEGINS}\nattention: ImportError: libcudart is not there, falls back to sdpa",
        f"{BEGINS}\nW&B: the mirror of training0 is not whole: [Errno 28] No space left on device",
    ],
)
def test_an_earlier_attempt_or_a_warning_does_not_say_why_a_job_was_killed(store: Store, words: str):
    path = log_path(store, latest(store)["training0"])
    path.parent.mkdir()
    path.write_text(f"{words}\nloss 2\n")
    failure = standings(store, CHAIN, SaidQueue(job1=JobState("FAILED", exit_code="0:9")))["training0"].failure
    assert failure is not None
    assert failure.kind == "killed"


def test_a_job_that_has_no_room_for_a_note_lacked_disk(tmp_path: Path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        store = Store(disk)
        submit(store, CHAIN, "1", "2", "3")
        fill(disk, 0)
        failure = standings(store, CHAIN, SaidQueue(job1=JobState("FAILED")))["training0"].failure
    assert failure is not None
    assert failure.kind == "disk"


def test_a_step_that_runs_here_is_running(store: Store):
    folder = store.folder("training", "training0")
    folder.mkdir(parents=True)
    at = {"done": 3, "total": 9, "unit": "updates", "rate": 1.0, "time": time.time()}
    (folder / PROGRESS).write_text(json.dumps(at))
    with lease(folder, waiting=lambda: None):
        assert standings(store, CHAIN, SaidQueue())["training0"].state == "running"
    assert standings(store, CHAIN, SaidQueue())["training0"].state == "unknown"


def test_the_newest_submission_counts_and_a_torn_line_does_not(store: Store):
    submit(store, CHAIN, "4", "5", "6")
    path = launches(store, CHAIN.ablation) / JOBS
    path.write_bytes(path.read_bytes() + b'{"step":"training0","job":"7"')
    assert latest(store)["training0"].job == "4"
    submit(store, CHAIN, "8", "9", "10")
    assert latest(store)["score0"].job == "6"  # times are texts here: "1-10" is before "1-6"
    assert latest(store)["training0"].job == "8"

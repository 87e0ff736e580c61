"""Where steps stand, with a queue that says what the test wants: a second implementation of the same protocol."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong.artifacts import FAILED, PROGRESS, Store, hash_outputs
from mmprolong.errors import SchedulerError
from mmprolong.plans import Plan, Point
from mmprolong.records import RunRecord
from mmprolong.sweep.freeze import launches
from mmprolong.sweep.queue import JobState, packed, read_sacct, read_squeue
from mmprolong.sweep.slurm import cancel
from mmprolong.sweep.standing import Standing, log_path, standings
from mmprolong.sweep.submissions import JOBS, Submission, append, latest
from tests.sweep.test_arrays import plan


class SaidQueue:
    """A queue of known states."""

    def __init__(self, **states: JobState) -> None:
        self.known = states
        self.cancelled: list[str] = []

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        return {job: self.known[f"job{job}"] for job in jobs if f"job{job}" in self.known}

    def cancel(self, jobs: Sequence[str]) -> None:
        self.cancelled += jobs


class SilentQueue:
    """A controller that does not answer."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        raise SchedulerError("squeue: Unable to contact slurm controller")

    def cancel(self, jobs: Sequence[str]) -> None:
        raise SchedulerError("scancel: Unable to contact slurm controller")


CHAIN = plan(training0="", reply0="training0", score0="reply0")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Every step of the chain was submitted: jobs 1, 2, 3."""
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    return store


def submit(store: Store, made: Plan, *jobs: str) -> None:
    folder = launches(store, made.ablation)
    folder.mkdir(parents=True, exist_ok=True)
    lines = zip(made.steps, jobs, strict=True)
    append(folder, (Submission(step=s, job=j, ablation=made.ablation, time=f"t{j}", code="code-1") for s, j in lines))


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
    assert (failure.kind, failure.says) == ("time", "Slurm: timeout on n7")


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
        ("slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026-11-22T04:00:00 DUE TO TIME LIMIT ***", "time"),
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


def test_a_step_that_runs_here_is_running(store: Store):
    folder = store.folder("training", "training0")
    folder.mkdir(parents=True)
    at = {"done": 3, "total": 9, "unit": "updates", "rate": 1.0, "time": time.time()}
    (folder / PROGRESS).write_text(json.dumps(at))
    assert standings(store, CHAIN, SaidQueue())["training0"].state == "running"


def test_cancelling_takes_along_what_hangs_on_it(store: Store):
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    assert cancel(store, CHAIN, "reply", queue) == ["reply0", "score0"]
    assert queue.cancelled == ["2", "3"]


def test_cancelling_an_arm_leaves_alone_what_others_need(tmp_path: Path):
    def point(label: str, *steps: str) -> Point:
        return Point(label=label, seed=0, config={}, steps={step: step for step in steps})

    made = plan(corpus="", training0="corpus", training1="corpus")
    made = replace(made, points=[point("a", "corpus", "training0"), point("b", "corpus", "training1")])
    store = Store(tmp_path)
    submit(store, made, "1", "2", "3")
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    assert cancel(store, made, "a/", queue) == ["training0"]


def test_the_newest_submission_counts_and_a_torn_line_does_not(store: Store):
    submit(store, CHAIN, "4", "5", "6")
    path = launches(store, CHAIN.ablation) / JOBS
    path.write_bytes(path.read_bytes() + b'{"step":"training0","job":"7"')
    assert latest(store)["training0"].job == "4"
    submit(store, CHAIN, "8", "9", "10")
    assert latest(store)["score0"].job == "6"  # times are texts here: "t10" is before "t6"
    assert latest(store)["training0"].job == "8"


def test_squeue_and_sacct_are_read():
    assert read_squeue("11_2|PENDING|Dependency|\n12|RUNNING|None|n[1-2]\nnonsense\n") == {
        "11_2": JobState("PENDING", "Dependency"),
        "12": JobState("RUNNING", "None", node="n[1-2]"),
    }
    assert read_sacct("11_2|CANCELLED by 1000|0:0|None assigned\n12|OUT_OF_ME+|0:125|n1\n13||0:0|\n") == {
        "11_2": JobState("CANCELLED", exit_code="0:0"),
        "12": JobState("OUT_OF_ME", exit_code="0:125", node="n1"),
    }


def test_elements_of_an_array_are_cancelled_with_one_word():
    jobs = ["7_0", "12", "7_2", "7_1", "7_5", "9_3", "9_4"]
    assert packed(jobs, {"7"}) == ["9", "12", "7_[0-2,5]"]


def test_a_dependency_that_can_never_be_satisfied_is_not_live():
    assert JobState("PENDING", "Priority").live
    assert not JobState("PENDING", "DependencyNeverSatisfied").live
    assert not JobState("COMPLETED").live

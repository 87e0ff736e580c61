"""Where steps stand without asking Slurm: what a job can tell from files."""

import os
import time
from pathlib import Path

import pytest

from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.disk import standings_on_disk
from mmprolong.sweep.freeze import launches
from mmprolong.sweep.standing import Standing, last_words, log_path, noted
from mmprolong.sweep.submissions import CANCELLED, append, latest, marked
from tests.sweep.test_standing import BEGINS, CHAIN, finish, states, submit


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Every step of the chain was submitted, and none has begun."""
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    return store


def write(store: Store, *lines: str, name: str = "training0") -> Path:
    """What the job of a step wrote."""
    path = log_path(store, latest(store)[name])
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_job_without_a_log_has_not_begun(store: Store):
    assert states(standings_on_disk(store, CHAIN)) == ["queued"] * 3


def test_a_job_that_wrote_lately_runs(store: Store):
    finish(store, "training", "training0")
    write(store, "reply/reply0 (a), code x", name="reply0")
    assert states(standings_on_disk(store, CHAIN)) == ["finished", "running", "queued"]


def test_what_waits_for_a_failed_step_is_blocked(store: Store):
    write(store, "training/training0 (a), code x")
    folder = store.folder("training", "training0")
    folder.mkdir(parents=True)
    (folder / FAILED).write_text('{"kind": "data", "error": "pack too small"}')
    assert states(standings_on_disk(store, CHAIN)) == ["failed", "blocked", "blocked"]


def test_the_last_words_of_slurm_tell_of_a_job_that_was_killed(store: Store):
    write(store, "loss 2", "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.0")
    found = standings_on_disk(store, CHAIN)["training0"]
    assert found.failure is not None
    assert found.failure.kind == "memory"


@pytest.mark.parametrize(
    "words",
    [
        (BEGINS, "attention: ImportError: libcudart is not there, falls back to sdpa"),
        (BEGINS, "reader: page 3: No space left on device, tried again"),
        (BEGINS, "W&B: the mirror of training0 is not whole: [Errno 28] No space left on device"),
        ("slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026 DUE TO NODE FAILURE ***", "submitit INFO", BEGINS),
        ("slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026 DUE TO PREEMPTION ***", "submitit INFO", BEGINS),
    ],
)
def test_a_job_runs_whatever_it_or_an_earlier_attempt_wrote(store: Store, words: tuple[str, ...]):
    write(store, *words)
    assert states(standings_on_disk(store, CHAIN))[0] == "running"


def test_a_job_that_could_not_load_its_code_has_failed(store: Store):
    write(store, "ModuleNotFoundError: No module named 'x'", "srun: error: n7: task 0: Exited with exit code 1")
    assert states(standings_on_disk(store, CHAIN))[0] == "failed"


@pytest.mark.parametrize("why", ["DUE TO PREEMPTION", "DUE TO JOB REQUEUE"])
def test_a_job_that_was_queued_again_waits_until_it_writes_again(store: Store, why: str):
    lines = ["loss 2", f"slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026-11-22T04:00:00 {why} ***"]
    write(store, *lines)
    assert states(standings_on_disk(store, CHAIN))[0] == "queued"
    write(store, *lines, "submitit INFO", "training/training0 (a), code x", "loss 2")
    assert states(standings_on_disk(store, CHAIN))[0] == "running"


def test_a_job_that_we_took_out_of_the_queue_is_cancelled(store: Store):
    append(launches(store, CHAIN.ablation), marked([latest(store)["training0"]], CANCELLED))
    found = standings_on_disk(store, CHAIN)
    assert states(found) == ["failed", "blocked", "blocked"]
    assert found["training0"].failure is not None
    assert found["training0"].failure.kind == "cancelled"


def test_a_job_that_is_silent_is_unknown_and_slurm_would_know(store: Store):
    path = write(store, "loss 2")
    os.utime(path, (time.time() - 3600,) * 2)
    found = standings_on_disk(store, CHAIN)["training0"]
    assert found.state == "unknown"
    assert "`mmprolong status` asks Slurm" in found.detail


def test_the_last_words_are_those_of_the_traceback_or_else_of_the_log(store: Store):
    log = write(store, "one", "", "two")
    folder = store.folder("training", "training0")
    assert last_words(folder, Standing(state="running", log=log), 1) == ["two"]
    folder.mkdir(parents=True)
    (folder / FAILED).write_text('{"traceback": "Traceback\\n  File x\\nKeyError: 3\\n"}')
    failed = Standing(state="failed", log=log, failure=noted(folder))
    assert last_words(folder, failed, 2) == ["  File x", "KeyError: 3"]

"""What squeue and sacct of Slurm 22.05 print, as they printed it; words of newer versions are read too."""

import pytest

from mmprolong.runtime.failures import from_job
from mmprolong.sweep.slurm.queue import JobState, read_sacct, read_squeue

SACCT = """\
7|CANCELLED|0:0|None assigned
1_0|COMPLETED|0:0|node
13|CANCELLED by 0|0:0|None assigned
12|OUT_OF_ME+|0:125|n1
15||0:0|
16_3|COMPLETED|0:0|node
"""


def test_squeue_is_read():
    assert read_squeue("11_2|PENDING|Dependency|\n12|RUNNING|None|n[1-2]\nnonsense\n") == {
        "11_2": JobState("PENDING", "Dependency"),
        "12": JobState("RUNNING", "None", node="n[1-2]"),
    }


def test_sacct_is_read():
    cancelled = JobState("CANCELLED", exit_code="0:0")
    assert read_sacct(SACCT) == {
        "7": cancelled,
        "1_0": JobState("COMPLETED", exit_code="0:0", node="node"),
        "13": cancelled,
        "12": JobState("OUT_OF_ME", exit_code="0:125", node="n1"),
        "16_3": JobState("COMPLETED", exit_code="0:0", node="node"),
    }


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("CANCELLED by 1000", "cancelled"),
        ("NODE_FAIL", "node"),
        ("BOOT_FAIL", "node"),
        ("PREEMPTED", "node"),
        ("OUT_OF_MEMORY", "memory"),
        ("TIMEOUT", "time"),
        ("DEADLINE", "time"),
        ("FAILED", "job"),
        ("COMPLETED", None),
        ("A_WORD_OF_TOMORROW", None),
    ],
)
def test_a_word_that_closes_a_job_has_one_kind_or_says_nothing(word: str, kind: str | None):
    (job,) = read_sacct(f"4|{word}|0:0|node7\n").values()
    failure = from_job(job.state, job.exit_code, job.node)
    assert not job.live
    assert (failure and failure.kind) == kind


@pytest.mark.parametrize("word", ["PENDING", "RUNNING", "REQUEUED", "SUSPENDED", "COMPLETING"])
def test_other_words_are_of_jobs_that_live(word: str):
    assert read_sacct(f"4|{word}|0:0|node7\n")["4"].live


def test_a_dependency_that_can_never_be_satisfied_is_not_live():
    assert JobState("PENDING", "Priority").live
    assert not JobState("PENDING", "DependencyNeverSatisfied").live
    assert not JobState("COMPLETED").live

"""What squeue and sacct of Slurm 22.05 print, as they printed it; words of newer versions are read too."""

import pytest

from mmprolong.runtime.failures import from_job
from mmprolong.sweep.slurm.queue import JobState, join_arrays, read_sacct, read_squeue, states_of

SACCT = """\
7|CANCELLED|0:0|None assigned
1_0|COMPLETED|0:0|node
1_[3-7%2]|PENDING|0:0|None assigned
8_[0-1,4%2]|CANCELLED by 0|0:0|None assigned
9_[0-6:3]|CANCELLED by 1000|0:0|None assigned
13|CANCELLED by 0|0:0|None assigned
12|OUT_OF_ME+|0:125|n1
15||0:0|
16_3|COMPLETED|0:0|node
16_3.batch|FAILED|1:0|node
16_3.extern|COMPLETED|0:0|node
16_3.0|CANCELLED by 0|0:9|node
"""


def test_squeue_is_read():
    assert read_squeue("11_2|PENDING|Dependency|\n12|RUNNING|None|n[1-2]\nnonsense\n") == {
        "11_2": JobState("PENDING", "Dependency"),
        "12": JobState("RUNNING", "None", node="n[1-2]"),
    }


def test_sacct_is_read_element_by_element_and_without_steps():
    cancelled = JobState("CANCELLED", exit_code="0:0")
    assert read_sacct(SACCT) == {
        "7": cancelled,
        "1_0": JobState("COMPLETED", exit_code="0:0", node="node"),
        **{f"1_{element}": JobState("PENDING", exit_code="0:0") for element in range(3, 8)},
        **{f"8_{element}": cancelled for element in (0, 1, 4)},
        **{f"9_{element}": cancelled for element in (0, 3, 6)},
        "13": cancelled,
        "12": JobState("OUT_OF_ME", exit_code="0:125", node="n1"),
        "16_3": JobState("COMPLETED", exit_code="0:0", node="node"),
    }


def test_a_shortened_list_of_elements_is_no_element():
    assert states_of(["14_0", "14_4"], read_sacct("14_[0,2,4...]|PENDING|0:0|None assigned\n")) == {}


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


def test_a_cancelled_array_stands_for_its_elements():
    rows = read_squeue("11|CANCELLED|None|\n12_1|RUNNING|None|node\n")
    assert states_of(["11_0", "11_3", "12_0", "12_1"], rows) == {
        "11_0": rows["11"],
        "11_3": rows["11"],
        "12_1": rows["12_1"],
    }


def test_elements_of_an_array_are_cancelled_with_one_word():
    jobs = ["7_0", "12", "7_2", "7_1", "7_5", "9_3", "9_4"]
    assert join_arrays(jobs) == ["9_[3,4]", "12", "7_[0,2,1,5]"]


def test_a_dependency_that_can_never_be_satisfied_is_not_live():
    assert JobState("PENDING", "Priority").live
    assert not JobState("PENDING", "DependencyNeverSatisfied").live
    assert not JobState("COMPLETED").live

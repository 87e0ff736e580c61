import errno
from pathlib import Path

import pytest

from mmprolong.errors import DataError, DiskFull, StepFailed
from mmprolong.runtime.failures import ADVICE, Failure, from_job, kind_of, read_failure, write_failure


class OutOfMemoryError(RuntimeError):
    """As torch.cuda names it."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "memory"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), "memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (DiskFull("model: no space left on the device"), "disk"),
        (DataError("packs.jsonl: instance 'a' is in no source"), "data"),
        (StepFailed("reply/a: its input training/b is not finished"), "input"),
        (ValueError("too many values to unpack"), "code"),
    ],
)
def test_an_exception_has_one_kind(error: Exception, kind: str):
    assert kind_of(error) == kind


@pytest.mark.parametrize(
    ("state", "exit_code", "kind"),
    [
        ("OUT_OF_MEMORY", "0:125", "memory"),
        ("TIMEOUT", "0:0", "time"),
        ("NODE_FAIL", "0:0", "node"),
        ("CANCELLED", "0:15", "cancelled"),
        ("FAILED", "0:9", "killed"),
        ("FAILED", "137:0", "killed"),
    ],
)
def test_the_end_of_a_job_has_one_kind(state: str, exit_code: str, kind: str):
    failure = from_job(state, exit_code, "node7")
    assert failure is not None
    assert failure.kind == kind
    assert failure.message.endswith("on node7")


@pytest.mark.parametrize("state", ["COMPLETED", "RUNNING", "", "SOMETHING_NEW"])
def test_what_says_nothing_is_no_failure(state: str):
    assert from_job(state) is None


@pytest.mark.parametrize("error", ["x\ny", "\nx"])
def test_a_failure_is_its_first_line(tmp_path: Path, error: str):
    write_failure(tmp_path, Failure("data", error))
    assert read_failure(tmp_path) == Failure("data", "x")


def test_every_kind_says_what_to_do():
    assert all("`again`" in Failure(kind, "x").advice("reply", "again") for kind in ADVICE)

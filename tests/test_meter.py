"""Time and code of a step over its attempts."""

from pathlib import Path

import pytest

from mmprolong.runtime.run_log import RunLog
from mmprolong.runtime.usage import Attempt
from mmprolong.store.store import SCRATCH, hash_outputs, remove_scratch


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Of a step of which an attempt of a long time has left something to go on from."""
    before = Attempt(tmp_path / SCRATCH, {"a.py": "1", "b.py": "1"})
    before.add_cpu(3600)
    before.note()
    (tmp_path / SCRATCH / "kept").touch()
    return tmp_path / SCRATCH


def test_a_step_has_taken_what_its_attempts_took(scratch: Path):
    attempt = Attempt(scratch, {"a.py": "2"})
    attempt.add_cpu(400)
    assert 4000 <= attempt.usage.cpu_seconds < 4100
    assert attempt.code == {"a.py": "1+2", "b.py": "1"}
    attempt.note()
    assert 4000 <= Attempt(scratch, {}).usage.cpu_seconds < 4100


def test_attempts_that_share_the_parts_of_a_step_all_count_and_count_nobody_else(scratch: Path):
    shares = [Attempt(scratch, {}, shares=True) for _ in range(2)]
    for each in shares:
        each.add_cpu(100)
        assert each.usage.cpu_seconds < 200
        each.note()
    assert 3800 <= Attempt(scratch, {}).usage.cpu_seconds < 3900


def test_an_attempt_that_left_nothing_to_go_on_from_does_not_count(scratch: Path):
    (scratch / "kept").unlink()
    assert Attempt(scratch, {}).usage.cpu_seconds < 100
    (scratch / "kept").touch()
    assert Attempt(scratch, {}).usage.cpu_seconds < 100


def test_a_failed_attempt_counts_up_to_its_end(scratch: Path):
    log = RunLog(scratch.parent)
    log.attempt.add_cpu(100)
    log.fail()
    assert Attempt(scratch, {}).usage.cpu_seconds >= 3700


def test_usage_is_no_result_and_goes_with_what_the_step_went_on_from(scratch: Path):
    assert hash_outputs(scratch.parent) == {}
    remove_scratch(scratch.parent)
    assert list(scratch.parent.iterdir()) == []

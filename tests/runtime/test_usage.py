from pathlib import Path

import pytest

from mmprolong.runtime.run_log import NOTES, Attempt, RunLog
from mmprolong.store.atomic import read_json, write_json
from mmprolong.store.store import SCRATCH, hash_outputs

BEFORE = {"seconds": 1000.0, "cpu_seconds": 3600.0, "code": {"a.py": "1", "b.py": "1"}}


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Of a step of which an attempt has left an answer and what it took."""
    (tmp_path / SCRATCH).mkdir()
    (tmp_path / SCRATCH / "answered.jsonl").touch()
    (tmp_path / SCRATCH / NOTES).mkdir()
    write_json(tmp_path / SCRATCH / NOTES / "host-1.json", BEFORE)
    return tmp_path / SCRATCH


def noted(scratch: Path) -> float:
    return sum(read_json(path)["seconds"] for path in (scratch / NOTES).iterdir())


def test_a_step_has_taken_what_its_attempts_took(scratch: Path):
    attempt = Attempt(scratch, {})
    attempt.add_cpu(400.0)
    assert attempt.usage.seconds >= 1000
    assert 4000 <= attempt.usage.cpu_seconds < 4400


def test_a_step_that_goes_on_under_other_code_has_both(scratch: Path):
    assert Attempt(scratch, {"a.py": "2", "b.py": "1"}).usage.code == {"a.py": "1+2", "b.py": "1"}
    assert Attempt(scratch, {"a.py": "1"}).usage.code == {"a.py": "1+2", "b.py": "1"}


def test_an_attempt_that_left_nothing_to_go_on_from_does_not_count(scratch: Path):
    (scratch / "answered.jsonl").unlink()
    attempt = Attempt(scratch, {"a.py": "2"})
    assert attempt.usage.seconds < 1000
    assert attempt.usage.code == {"a.py": "2"}


def test_a_killed_attempt_counts_up_to_where_it_last_said_how_far_it_was(scratch: Path):
    RunLog(scratch.parent).progress(1, 2, "replies")
    assert Attempt(scratch, {}).usage.seconds >= noted(scratch) > 1000


def test_a_failed_attempt_counts_up_to_its_end(scratch: Path):
    log = RunLog(scratch.parent)
    begun = noted(scratch)
    log.fail()
    assert noted(scratch) > begun
    assert hash_outputs(scratch.parent) == {}


def test_attempts_that_share_the_parts_of_a_step_all_count(scratch: Path):
    for each in [Attempt(scratch, {}, shares=True) for _ in range(2)]:
        each.add_cpu(100)
        each.note()
    assert 3800 <= Attempt(scratch, {}).usage.cpu_seconds < 3900

from pathlib import Path

import pytest

from mmprolong.runtime.run_log import RunLog
from mmprolong.runtime.usage import Meter, Spent
from mmprolong.store.store import ANSWERED, SPENT, drop_resume, hash_outputs, read_json, write_json

BEFORE = Spent(seconds=1000.0, cpu_seconds=3600.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a step of which an attempt has left an answer and what it took."""
    (tmp_path / ANSWERED).touch()
    write_json(tmp_path / SPENT, BEFORE)
    return tmp_path


def test_a_step_has_taken_what_its_attempts_took(folder: Path):
    meter = Meter(folder)
    meter.elsewhere(400.0)
    assert meter.spent.seconds >= 1000
    assert 4000 <= meter.spent.cpu_seconds < 4400


def test_an_attempt_that_left_nothing_to_go_on_from_does_not_count(folder: Path):
    (folder / ANSWERED).unlink()
    assert Meter(folder).spent.seconds < 1000
    (folder / ANSWERED).touch()
    assert Meter(folder).spent.seconds < 1000


def test_a_killed_attempt_counts_up_to_where_it_last_said_how_far_it_was(folder: Path):
    RunLog(folder)
    assert read_json(folder / SPENT)["seconds"] == 1000
    RunLog(folder).progress(1, 2, "replies")
    noted = read_json(folder / SPENT)["seconds"]
    assert Meter(folder).spent.seconds >= noted > 1000


def test_a_failed_attempt_counts_up_to_its_end(folder: Path):
    RunLog(folder).fail()
    assert read_json(folder / SPENT)["seconds"] > 1000


def test_what_was_spent_is_no_result_and_goes_with_what_the_step_went_on_from(folder: Path):
    assert hash_outputs(folder) == {}
    drop_resume(folder)
    assert list(folder.iterdir()) == []

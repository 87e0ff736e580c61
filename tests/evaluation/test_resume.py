"""A reply step that is killed or stopped goes on behind the batches that are answered, and ends in the same bytes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mmprolong.evaluation.reply import run
from mmprolong.pipeline.run import run_step
from mmprolong.records import RunRecord
from mmprolong.runtime.run_log import Interrupted, RunLog, never
from mmprolong.runtime.usage import Usage
from mmprolong.settings.knobs import Tracking
from mmprolong.store.atomic import write_json
from mmprolong.store.store import ANSWERED, SPENT, Store, hash_outputs
from tests.evaluation.replying import SETTINGS, step
from tests.stores import CORPUS, HELDOUT, Truth, write_store

QUESTIONS = 5 * 6 * 4


class Counting(RunLog):
    """Remembers how many replies there were at each report."""

    def __init__(self, folder: Path, stopping: Callable[[], bool] = never) -> None:
        super().__init__(folder, stopping=stopping)
        self.reported: list[int] = []

    def progress(self, done: int, total: int, unit: str) -> None:
        super().progress(done, total, unit)
        self.reported.append(done)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the corpus and the questions are finished."""
    return write_store(tmp_path_factory.mktemp("replying"), Truth(documents=6))


@pytest.fixture(scope="module")
def whole(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunRecord, int]:
    """The step undisturbed, and its number of batches."""
    store = tmp_path_factory.mktemp("whole") / "store"
    shutil.copytree(inputs, store)
    log = Counting(store / "counted")
    answer(store, log)
    return run_step(Store(store), step(), Tracking(mode="off")), len(log.reported) - 1


@pytest.fixture
def store(inputs: Path, tmp_path: Path) -> Path:
    shutil.copytree(inputs, tmp_path / "store")
    return tmp_path / "store"


def answer(store: Path, log: RunLog) -> None:
    run(SETTINGS, {"corpus": store / "corpus" / CORPUS, "source": store / "synthesis" / HELDOUT}, log.folder, log)


def test_kill_9_and_again_computes_the_rest_and_ends_in_the_same_bytes(store: Path, whole: tuple[RunRecord, int]):
    record, batches = whole
    folder = store / step().path
    victim = subprocess.Popen([sys.executable, "-m", "tests.evaluation.replying", str(store)])
    while not ((folder / ANSWERED).exists() and b"\n" in (folder / ANSWERED).read_bytes()):
        assert victim.poll() is None
        time.sleep(0.001)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert not (folder / "done.json").exists()
    again = Counting(folder)
    answer(store, again)
    assert 0 < again.reported[0] < QUESTIONS
    assert again.reported[-1] == QUESTIONS
    assert len(again.reported) - 1 < batches
    assert hash_outputs(folder) == record.outputs
    assert run_step(Store(store), step(), Tracking(mode="off")).outputs == record.outputs
    assert not (folder / ANSWERED).exists()


def test_asked_to_stop_it_keeps_the_batch_in_hand(store: Path, whole: tuple[RunRecord, int]):
    record, batches = whole
    folder = store / step().path
    for attempt in range(batches - 1):
        looks = iter([False, True])
        log = Counting(folder, stopping=lambda looks=looks: next(looks))
        with pytest.raises(Interrupted):
            answer(store, log)
        assert len(log.reported) == 2, attempt
    answer(store, RunLog(folder))
    assert hash_outputs(folder) == record.outputs


def test_a_step_that_goes_on_has_taken_what_its_attempts_took(store: Path):
    folder, off = store / step().path, Tracking(mode="off")
    looks = iter([False, True])
    with pytest.raises(Interrupted):
        run_step(Store(store), step(), off, stopping=lambda: next(looks))
    assert (folder / SPENT).exists()
    write_json(folder / SPENT, Usage(seconds=1000.0, cpu_seconds=3600.0))
    record = run_step(Store(store), step(), off)
    assert record.seconds > 1000
    assert record.cpu_hours > 1
    assert not (folder / SPENT).exists()


@pytest.mark.parametrize("end", [b'{"sample":"held', b"\0\0\0\0\n", b"\xff\n"])
def test_a_torn_end_is_answered_again(store: Path, whole: tuple[RunRecord, int], end: bytes):
    folder = store / step().path
    with pytest.raises(Interrupted):
        looks = iter([False, False, True])
        answer(store, Counting(folder, stopping=lambda: next(looks)))
    lines = (folder / ANSWERED).read_bytes().splitlines(keepends=True)
    (folder / ANSWERED).write_bytes(b"".join(lines[:-1]) + end)
    log = Counting(folder)
    answer(store, log)
    assert log.reported[0] == len(lines) - 1
    assert hash_outputs(folder) == whole[0].outputs

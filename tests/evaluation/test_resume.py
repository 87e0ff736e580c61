"""A reply step that is killed or stopped goes on behind the batches that are answered, and ends in the same bytes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong.pipeline.run import run_step
from mmprolong.runtime.run_log import Interrupted
from mmprolong.settings.knobs import Config
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store
from tests.tiny_run import OFF, finish, folder_of, step_of, tiny_config

REPLIES = "scratch/replies-000.jsonl"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all before the reply step is finished."""
    folder = tmp_path_factory.mktemp("inputs")
    finish(tiny_config(folder), "render")
    finish(tiny_config(folder), "samples.heldout")
    return folder


@pytest.fixture(scope="module")
def whole(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """The step undisturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(inputs, folder)
    return finish(tiny_config(folder), "reply.heldout")


@pytest.fixture
def config(inputs: Path, tmp_path: Path) -> Config:
    shutil.copytree(inputs, tmp_path / "run")
    return tiny_config(tmp_path / "run")


def interrupted(config: Config, looks: int) -> None:
    """Run the step and ask it to stop at its look number `looks`."""
    left = iter([False] * looks)
    with pytest.raises(Interrupted):
        store = Store(Path(config.paths.store))
        run_step(store, step_of(config, "reply.heldout"), OFF, stopping=lambda: next(left, True))


def test_kill_9_and_again_computes_the_rest_and_ends_in_the_same_bytes(config: Config, whole: RunRecord):
    folder = folder_of(config, "reply.heldout")
    run = Path(config.paths.store).parent
    victim = subprocess.Popen([sys.executable, "-m", "tests.evaluation.replying", str(run)])
    while not ((folder / REPLIES).exists() and b"\n" in (folder / REPLIES).read_bytes()):
        assert victim.poll() is None
        time.sleep(0.001)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert not (folder / "done.json").exists()
    assert finish(config, "reply.heldout").outputs == whole.outputs
    assert not (folder / "scratch").exists()


def test_asked_to_stop_it_keeps_the_batch_in_hand(config: Config, whole: RunRecord):
    answered = []
    for _ in range(2):
        interrupted(config, 2)
        answered.append((folder_of(config, "reply.heldout") / REPLIES).read_bytes().count(b"\n"))
    assert 0 < answered[0] < answered[1]
    assert finish(config, "reply.heldout").outputs == whole.outputs


@pytest.mark.parametrize("end", [b'{"sample":"held', b"\0\0\0\0\n", b"\xff\n"])
def test_a_torn_end_is_answered_again(config: Config, whole: RunRecord, end: bytes):
    interrupted(config, 3)
    path = folder_of(config, "reply.heldout") / REPLIES
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]) + end)
    assert finish(config, "reply.heldout").outputs == whole.outputs


def test_the_attention_kernel_is_recorded(inputs: Path, whole: RunRecord):
    config = tiny_config(inputs)
    trained = finish(tiny_config(inputs, suite=replace(config.suite, subject="longpt")), "training.longpt")
    assert trained.metrics["attention"] == whole.metrics["attention"] == "sdpa"

"""Steps in ranks, on gloo: collective processes that `torch.distributed.run` starts."""

import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.echo import run, start, write_package

RANKS = """
import sys
from dataclasses import asdict
from pathlib import Path
from mmprolong.errors import MMProLongError
from mmprolong.pipeline.ranks import Place, run_in_ranks
from mmprolong.pipeline.steps import make_step
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.signals import StopSignals
from mmprolong.settings import stages
from mmprolong.settings.knobs import Tracking
from mmprolong.store.store import Store
store, stage, settings, processes = sys.argv[1:]
kind = stages.STAGES[stage].settings
step = make_step(stage, "s", kind(**eval(settings)), {})
signals = StopSignals()
try:
    run_in_ranks(Store(Path(store)), step, Tracking(mode="off"), "", signals.stopping, Place(processes=int(processes)))
    print(Store(Path(store)).record(stage, step.id).metrics)
except Interrupted:
    print("interrupted")
except MMProLongError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("package"))


def ranks(package: Path, store: Path, processes: int, stage: str = "summing", **settings) -> str:
    return run(package, RANKS, str(store), stage, repr(settings), str(processes))[1].strip()


@pytest.mark.parametrize("processes", [2, 4])
def test_ranks_compute_together_and_rank_0_writes(package: Path, tmp_path: Path, processes: int):
    assert ranks(package, tmp_path, processes) == f"{{'sum': {4 * processes}, 'size': {processes}}}"
    (folder,) = (tmp_path / "summing").iterdir()
    assert {path.name for path in folder.iterdir()} == {"done.json", "log.jsonl", "sum.json", ".lease"}
    assert (folder / "log.jsonl").read_text().count("\n") == 4
    assert ranks(package, tmp_path, processes) == f"{{'sum': {4 * processes}, 'size': {processes}}}"


@pytest.mark.parametrize(
    ("how", "says"),
    [("raise", "rank 1 of 2: ValueError: no such page"), ("kill", "rank 1: its process ended with signal 9 (Killed)")],
)
def test_a_rank_that_fails_ends_all_and_is_named(package: Path, tmp_path: Path, how: str, says: str):
    assert ranks(package, tmp_path, 2, fails=1, how=how).endswith(f": {says}")
    (note,) = tmp_path.glob("summing/*/failed.json")
    assert json.loads(note.read_text())["error"] == says


def test_ranks_that_are_asked_to_stop_save_and_go_on_from_there(package: Path, tmp_path: Path):
    words = (str(tmp_path), "summing", repr({"updates": 60, "seconds": 0.1}), "2")
    process = start(package, RANKS, *words)
    while not list(tmp_path.glob("summing/*/log.jsonl")):
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    assert process.communicate(timeout=60)[0].strip() == "interrupted"
    done = json.loads(next(tmp_path.glob("summing/*/scratch/sum.json")).read_text())[0]
    assert 0 < done < 60
    assert run(package, RANKS, *words)[1].strip() == "{'sum': 120, 'size': 2}"
    lines = next(tmp_path.glob("summing/*/log.jsonl")).read_text().splitlines()
    assert [json.loads(line)["update"] for line in lines] == list(range(1, 61))


def test_ranks_end_with_whoever_started_them(package: Path, tmp_path: Path):
    process = start(package, RANKS, str(tmp_path), "summing", repr({"updates": 600, "seconds": 0.1}), "2")
    while not list(tmp_path.glob("summing/*/log.jsonl")):
        assert process.poll() is None
        time.sleep(0.05)
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) >= 3
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert psutil.wait_procs(below, timeout=60)[1] == []
    assert not list(tmp_path.glob("summing/*/done.json"))


def test_a_stage_of_one_process_refuses_ranks(package: Path, tmp_path: Path):
    said = ranks(package, tmp_path, 2, stage="counting", parts=1)
    assert "cluster.jobs.counting: 2 processes" in said
    assert "no engine shares its work among ranks" in said

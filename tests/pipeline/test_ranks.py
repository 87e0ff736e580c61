"""Steps in ranks, on gloo: collective processes that `torch.distributed.run` starts."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.echo import run, start, write_package


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("package"))


def words(store: Path, processes: int, **settings: Any) -> list[str]:
    return ["-m", "mmprolong.echo.drive", "ranks", str(store), "summing", json.dumps(settings), str(processes)]


def ranks(package: Path, store: Path, processes: int, **settings: Any) -> Any:
    code, out, err = run(package, *words(store, processes, **settings))
    assert code == 0, err
    return json.loads(out.splitlines()[-1])


def begun(package: Path, store: Path, **settings: Any) -> subprocess.Popen:
    """Two ranks that have made an update."""
    process = start(package, *words(store, 2, **settings))
    while not list(store.glob("summing/*/log.jsonl")):
        assert process.poll() is None
        time.sleep(0.05)
    return process


def test_ranks_compute_together_and_rank_0_writes(package: Path, tmp_path: Path):
    assert ranks(package, tmp_path, 2) == {"sum": 8, "size": 2}
    (folder,) = (tmp_path / "summing").iterdir()
    assert {path.name for path in folder.iterdir()} == {"done.json", "log.jsonl", "sum.json", ".lease"}
    assert (folder / "log.jsonl").read_text().count("\n") == 4
    assert ranks(package, tmp_path, 2) == {"sum": 8, "size": 2}


@pytest.mark.parametrize(
    ("how", "says"),
    [("raise", "rank 1 of 2: ValueError: no such page"), ("kill", "rank 1: its process ended with signal 9 (Killed)")],
)
def test_a_rank_that_fails_ends_all_and_is_named(package: Path, tmp_path: Path, how: str, says: str):
    assert ranks(package, tmp_path, 2, fails=1, how=how)["error"].endswith(f": {says}")
    (note,) = tmp_path.glob("summing/*/failed.json")
    assert json.loads(note.read_text())["error"] == says


def test_ranks_that_are_asked_to_stop_save_and_go_on_from_there(package: Path, tmp_path: Path):
    process = begun(package, tmp_path, updates=60, seconds=0.1)
    process.terminate()
    assert process.communicate(timeout=60)[0].strip() == '"interrupted"'
    done = json.loads(next(tmp_path.glob("summing/*/scratch/sum.json")).read_text())[0]
    assert 0 < done < 60
    assert ranks(package, tmp_path, 2, updates=60, seconds=0.1) == {"sum": 120, "size": 2}
    lines = next(tmp_path.glob("summing/*/log.jsonl")).read_text().splitlines()
    assert [json.loads(line)["update"] for line in lines] == list(range(1, 61))


def test_ranks_end_with_whoever_started_them(package: Path, tmp_path: Path):
    process = begun(package, tmp_path, updates=600, seconds=0.1)
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) >= 3
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert psutil.wait_procs(below, timeout=60)[1] == []
    assert not list(tmp_path.glob("summing/*/done.json"))

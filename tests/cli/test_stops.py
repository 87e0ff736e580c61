"""A full disk, an interrupt: what is said, what is left behind, how it goes on."""

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from mmprolong.config.compose import Composer
from mmprolong.errors import DiskFull, MMProLongError
from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import steps_of
from mmprolong.settings.execution import Tracking
from mmprolong.store.store import Store
from tests.cli.typed import TINY, hashes, small
from tests.disk import mount
from tests.small import ONE_WORKER, command, run

pytestmark = pytest.mark.xdist_group("cli")


def test_a_step_on_a_full_disk_says_so_and_leaves_nothing_half_written(pool: Path, disk: Path, tmp_path: Path):
    config = Composer().frozen([*small(pool, tmp_path / "other"), "sources.long.documents=150"])
    steps = steps_of(config)
    off = Tracking(mode="off")
    before = {role: run_step(Store(disk), steps[role], off).outputs for role in ("corpus", "selection")}
    step = steps["synthesis.long"]
    with pytest.raises(DiskFull, match=r"no space left on the device; free some") as caught:
        run_step(Store(disk), step, off)
    assert "\n" not in str(caught.value)
    folder = Store(disk).folder(step.stage, step.id)
    assert not [path for path in folder.rglob("*") if path.name.endswith(".partial")]
    assert mount(disk, "16m", "remount").returncode == 0
    elsewhere = Store(tmp_path / "elsewhere")
    assert {role: run_step(elsewhere, steps[role], off).outputs for role in before} == before
    assert run_step(Store(disk), step, off).outputs == run_step(elsewhere, step, off).outputs


@pytest.mark.parametrize("kilobytes", [40, 300])
def test_a_corpus_on_a_full_disk_is_read_on_when_there_is_room(pool: Path, disk: Path, tmp_path: Path, kilobytes: int):
    assert mount(disk, f"{kilobytes}k", "remount").returncode == 0
    step = steps_of(Composer().frozen([f"corpus.path={pool}", f"paths.store={tmp_path}"]))["corpus"]
    with pytest.raises(MMProLongError, match="no space left on the device"):
        run_step(Store(disk), step, Tracking(mode="off"))
    assert mount(disk, "8m", "remount").returncode == 0
    found = run_step(Store(disk), step, Tracking(mode="off")).outputs
    assert found == run_step(Store(tmp_path), step, Tracking(mode="off")).outputs


def test_a_sweep_on_a_full_disk_goes_on_when_there_is_room(swept: Path, pool: Path, disk: Path):
    assert mount(disk, "5m", "remount").returncode == 0
    words = command(disk, pool, *TINY, *ONE_WORKER)
    done = run(words)
    assert done.returncode == 1
    assert "no space left on the device; free some and run the same command again" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert hashes(disk).items() <= hashes(swept).items()
    assert mount(disk, "64m", "remount").returncode == 0
    assert run(words).returncode == 0
    assert hashes(disk) == hashes(swept)


def test_ctrl_c_ends_the_workers_and_says_how_to_go_on(swept: Path, pool: Path, tmp_path: Path):
    words = command(tmp_path / "store", pool, *TINY, *ONE_WORKER)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is told to ignore it
    for stage in ("corpus", "training"):
        interrupt(words, tmp_path / "store" / stage)
    assert run(words).returncode == 0
    assert hashes(tmp_path / "store") == hashes(swept)


def interrupt(words: list[str], stage: Path) -> None:
    """Start a sweep, and press Ctrl-C once a stage has begun."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not any(stage.glob("*/*.json")):
        assert process.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    said_ = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert said_.strip() == "interrupted; what is finished stays, and the same command goes on from here"
    assert psutil.wait_procs(workers, timeout=20)[1] == []

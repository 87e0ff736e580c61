"""What a phase continues from: whole, or not there; the same as if it had never stopped."""

import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mmprolong.errors import DataError, DiskFull
from mmprolong.runtime.run_log import Interrupted
from mmprolong.training.snapshots import make_room, save
from tests.disk import small_disk
from tests.training.material import engine, lines_of, loop, network_of, weights_of

CLOCKS = ("tokens_per_second", "supervised_per_second", "data_wait", "memory_gb")


def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(tmp_path: Path):
    whole = loop(tmp_path / "whole")
    whole.run(checkpoint_seconds=1e9)
    half = loop(tmp_path / "half")
    for update in range(3):
        half.update(update)
    half.engine.save(half.snapshots, half.state)
    half.update(3)  # lost: it comes after the snapshot
    resumed = loop(tmp_path / "half")
    assert resumed.run(checkpoint_seconds=1e9) == whole.state
    expected = weights_of(network_of(whole))
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights_of(network_of(resumed)).items())


def damage(snapshot: Path) -> None:
    next(snapshot.glob("*.safetensors")).write_bytes(b"torn")


def test_training_goes_on_from_the_newest_whole_snapshot(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    one = loop(tmp_path)
    for update in range(2):
        one.update(update)
        one.engine.save(one.snapshots, one.state)
    first, second = sorted(one.snapshots.iterdir())
    damage(second)
    state = engine().restore(one.snapshots)
    assert state is not None and state["updates"] == 1
    assert f"{second}: damaged, and removed; training goes on from 00000001\n" in capfd.readouterr().err
    assert list(one.snapshots.iterdir()) == [first]
    damage(first)
    with pytest.raises(DataError, match=r"00000001/00000-00000.safetensors: damaged, and no older checkpoint"):
        engine().restore(one.snapshots)


def test_a_snapshot_of_another_model_is_refused(tmp_path: Path):
    save(tmp_path, [("weight/other", torch.zeros(1))], {"updates": 1})
    with pytest.raises(DataError, match=r"00000001: has no 'weight/model.*, so it is of another model; delete it"):
        engine().restore(tmp_path)


def test_snapshots_are_kept_by_number_and_size(tmp_path: Path):
    """The newest stays whatever its size, and while the next is written."""

    def left(*allowed: Any) -> list[int]:
        for number in range(1, 5):
            (tmp_path / f"{number:08d}").mkdir(exist_ok=True)
            (tmp_path / f"{number:08d}" / "x").write_bytes(b"0123456789")
        (tmp_path / "00000003.partial").mkdir()
        make_room(tmp_path, *allowed)
        return sorted(int(path.name) for path in tmp_path.iterdir())

    assert left(3) == [2, 3, 4]
    assert left(9, 25) == [3, 4]
    assert left(9, 35, True) == [3, 4]
    assert left(9, 25, True) == left(9, 1) == left(1) == [4]


def test_each_save_of_a_loop_leaves_as_many_as_are_to_be_kept(tmp_path: Path):
    for _ in range(3):
        with pytest.raises(Interrupted):
            loop(tmp_path, stopping=lambda: True, keep=2).run(checkpoint_seconds=1e9)
    assert sorted(path.name for path in (tmp_path / "snapshots").iterdir()) == ["00000002", "00000003"]


def test_a_full_disk_leaves_the_former_snapshot(tmp_path: Path):
    with small_disk(tmp_path / "disk", "16m") as disk:  # a snapshot takes 9 MB
        one = loop(disk)
        one.update(0)
        one.engine.save(one.snapshots, one.state)
        one.update(1)
        with pytest.raises(DiskFull, match=r"00000002\.partial/.*: no space left on the device; free some"):
            one.engine.save(one.snapshots, one.state)
        assert not list(one.snapshots.glob("*.partial/*"))
        state = engine().restore(one.snapshots)
        assert state is not None and state["updates"] == 1


def test_a_stop_changes_no_line_of_the_log(tmp_path: Path):
    for name, stops in (("whole", [False]), ("stopped", [True, True, False])):
        for stop in stops:
            one = loop(tmp_path / name, stopping=lambda stop=stop: stop)
            with pytest.raises(Interrupted) if stop else nullcontext():
                one.run(checkpoint_seconds=1e9)
    whole, stopped = (
        [{key: value for key, value in line.items() if key not in CLOCKS} for line in lines_of(tmp_path / name)]
        for name in ("whole", "stopped")
    )
    assert whole == stopped


def test_kill_9_and_again_ends_in_the_same_weights(tmp_path: Path):
    def start(folder: Path, pause: float) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-m", "tests.training.material", str(folder), str(pause)])

    assert start(tmp_path / "whole", 0.0).wait(timeout=120) == 0
    victim = start(tmp_path / "killed", 0.3)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "killed").glob("snapshots/[0-9]*[0-9]")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(victim.pid, signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed" / "final.safetensors").exists()
    assert start(tmp_path / "killed", 0.0).wait(timeout=120) == 0
    whole, killed = (load_file(tmp_path / name / "final.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
    updates = [line["update"] for line in lines_of(tmp_path / "killed")]
    assert updates == sorted(set(updates))

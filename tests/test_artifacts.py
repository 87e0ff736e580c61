import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from mmprolong.errors import ArtifactError
from mmprolong.records import RunRecord
from mmprolong.store.store import ANSWERED, DONE, Store, code_so_far, drop_resume, hash_outputs, lease


def finished(root: Path) -> Store:
    store = Store(root)
    folder = store.folder("mixture", "m-1")
    folder.mkdir(parents=True)
    (folder / "packs.jsonl").write_text("{}\n")
    record = RunRecord(
        id="m-1", stage="mixture", version=1, settings={}, needs={}, metrics={}, outputs=hash_outputs(folder)
    )
    store.finish(record)
    return store


def test_a_finished_step_is_found_with_its_outputs(tmp_path: Path):
    record = finished(tmp_path).record("mixture", "m-1")
    assert record is not None
    assert list(record.outputs) == ["packs.jsonl"]


def test_no_done_file_no_result(tmp_path: Path):
    store = finished(tmp_path)
    (store.folder("mixture", "m-1") / DONE).unlink()
    assert store.record("mixture", "m-1") is None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"id": 3}', b'{"id":"other"}'])
def test_a_damaged_done_file_is_one_line_and_no_result(tmp_path: Path, damage: bytes):
    store = finished(tmp_path)
    (store.folder("mixture", "m-1") / DONE).write_bytes(damage)
    with pytest.raises(ArtifactError, match="delete the folder to run the step again"):
        store.record("mixture", "m-1")


def test_a_step_that_goes_on_under_other_code_has_both(tmp_path: Path):
    first, other = {"a.py": "1", "b.py": "1"}, {"a.py": "2", "b.py": "1"}
    assert code_so_far(tmp_path, first) == first
    assert code_so_far(tmp_path, other) == other  # it failed before it left anything to go on from
    (tmp_path / ANSWERED).touch()
    assert [code_so_far(tmp_path, code)["a.py"] for code in (other, first, other)] == ["2", "2+1", "2+1"]
    drop_resume(tmp_path)
    assert code_so_far(tmp_path, first) == first


def test_a_missing_output_is_found(tmp_path: Path):
    store = finished(tmp_path)
    (store.folder("mixture", "m-1") / "packs.jsonl").unlink()
    with pytest.raises(ArtifactError, match=r"packs\.jsonl is missing"):
        store.record("mixture", "m-1")


def hold(folder: Path) -> None:
    with lease(folder, waiting=lambda: None):
        (folder / "held").touch()
        time.sleep(60)


def test_a_lease_is_free_once_its_holder_is_killed(tmp_path: Path):
    holder = multiprocessing.get_context("spawn").Process(target=hold, args=(tmp_path,))
    holder.start()
    while not (tmp_path / "held").exists():
        time.sleep(0.05)
    waits: list[bool] = []

    def waiting() -> None:
        waits.append(True)
        assert holder.pid is not None
        os.kill(holder.pid, signal.SIGKILL)

    with lease(tmp_path, waiting, poll=0.05):
        assert waits
    holder.join()

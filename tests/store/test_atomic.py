import multiprocessing
import os
from pathlib import Path

import pytest

from mmprolong.errors import ArtifactError, DiskFull
from mmprolong.store.atomic import partial_name, read_json, remove_partials, replacing, write_file, write_json
from tests.disk import fill, small_disk


def write_often(path: Path) -> None:
    os.getpid = lambda: 7  # as in two containers
    for number in range(100):
        write_json(path, {"number": number})


def test_processes_with_equal_numbers_write_beside_each_other(tmp_path: Path):
    writers = [
        multiprocessing.get_context("fork").Process(target=write_often, args=(tmp_path / "a.json",)) for _ in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert read_json(tmp_path / "a.json") == {"number": 99}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path):
    write_file(tmp_path / "a", "old")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a") as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_full_disk_is_told_and_keeps_no_partial_file(tmp_path: Path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        fill(disk, 8192)
        with pytest.raises(DiskFull, match="big"):
            write_file(disk / "big", b"x" * 100_000)
        assert [path.name for path in disk.iterdir()] == ["filler"]


def test_what_a_kill_left_half_written_is_removed(tmp_path: Path):
    partial_name(tmp_path / "packs.jsonl").touch()
    (tmp_path / "packs.jsonl").touch()
    remove_partials(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["packs.jsonl"]


def test_a_damaged_file_is_one_line(tmp_path: Path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"a\.json: "):
        read_json(tmp_path / "a.json")

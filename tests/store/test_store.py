import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mmprolong.errors import ArtifactError
from mmprolong.plugins import identity_of
from mmprolong.settings.knobs import Optimizer, Source
from mmprolong.settings.stages import SynthesisSettings
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import DONE, SCRATCH, Store, drifted, hash_outputs, remove_scratch

RECORD = RunRecord(id="m-1", stage="mixture", version=1, settings={}, needs={}, metrics={"fill": 0.975}, outputs={})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One finished step."""
    store = Store(tmp_path / "store")
    folder = store.folder("mixture", "m-1")
    folder.mkdir(parents=True)
    (folder / "packs.jsonl").write_text('{"tokens":512}\n')
    store.finish(replace(RECORD, outputs=hash_outputs(folder)))
    return store


def put(name: str, old: bytes, new: bytes) -> Callable[[Path], object]:
    """Damage in one place of a file, which keeps its size and its time."""

    def damage(folder: Path) -> None:
        path, status = folder / name, (folder / name).stat()
        before = path.read_bytes()
        assert before.count(old) >= 1
        path.write_bytes(before.replace(old, new, 1))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / DONE).write_bytes(b""),
        lambda folder: (folder / DONE).write_bytes(b"[]"),
        lambda folder: (folder / DONE).write_bytes((folder / DONE).read_bytes()[:50]),
        lambda folder: (folder / "packs.jsonl").unlink(),
        put(DONE, b"0.975", b"0.985"),
        put(DONE, b'"version": 1', b'"version": 2'),
        put(DONE, b'"id": "m-1"', b'"id": "m-2"'),
    ],
)
def test_a_damaged_record_is_one_line_with_file_step_and_command(store: Store, damage: Callable[[Path], object]):
    folder = store.folder("mixture", "m-1")
    damage(folder)
    with pytest.raises(ArtifactError) as caught:
        store.record("mixture", "m-1")
    told = str(caught.value)
    assert told.startswith(str(folder)) and f"rm -r {folder}" in told and "\n" not in told


@pytest.mark.parametrize("damage", [put("packs.jsonl", b"512", b"513"), put("packs.jsonl", b'{"tokens":512}\n', b"")])
def test_an_output_is_compared_with_what_was_written_before_it_is_read(store: Store, damage: Callable[[Path], object]):
    assert store.verified("mixture", "m-1") == store.record("mixture", "m-1")
    elsewhere = Store(store.root.rename(store.root.with_name("moved")))  # hashed once a process and path
    damage(elsewhere.folder("mixture", "m-1"))
    assert elsewhere.record("mixture", "m-1") is not None
    with pytest.raises(ArtifactError, match=r"packs\.jsonl: has SHA-256 .*rm -r"):
        elsewhere.verified("mixture", "m-1")


def test_no_record_no_result(store: Store):
    (store.folder("mixture", "m-1") / DONE).unlink()
    assert store.record("mixture", "m-1") is None
    assert store.verified("mixture", "m-1") is None


def test_a_record_is_whole_whatever_its_order_and_whoever_has_written_it(store: Store):
    path = store.folder("mixture", "m-1") / DONE
    lines = path.read_text().splitlines()
    path.write_text(" ".join(["{", '"label": "",', *(line for line in lines[1:] if '"label"' not in line)]))
    record = store.record("mixture", "m-1")
    assert record is not None and record.metrics == {"fill": 0.975}


def test_scratch_and_notes_are_no_results_and_scratch_goes(tmp_path: Path):
    for name in ("packs.jsonl", "model/weights", "model/scratch", "scratch/a/b.jsonl", DONE, "log.jsonl", ".lease"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert hash_outputs(tmp_path).keys() == {"packs.jsonl", "model/weights", "model/scratch"}
    remove_scratch(tmp_path)
    remove_scratch(tmp_path)
    assert not (tmp_path / SCRATCH).exists()


def test_an_edited_default_is_told_with_key_and_both_values():
    @dataclass
    class Edited(Optimizer):
        warmup_ratio: float = 0.2
        new: int = 3

    then = replace(RECORD, all_settings=identity_of(Optimizer(), whole=True))
    assert identity_of(Edited()) == identity_of(Optimizer()) == {}
    assert drifted(then, Optimizer()) == []
    (line,) = drifted(then, Edited())
    assert "mixture/m-1: warmup_ratio was 0.1 when it ran, and is 0.2 by default today" in line


def test_an_edited_default_is_found_inside_lists_and_groups():
    settings = SynthesisSettings(Source(tasks=["b"]))
    then = replace(RECORD, all_settings=identity_of(SynthesisSettings(Source(tasks=["a"])), whole=True))
    assert [line.split(" was")[0] for line in drifted(then, settings)] == ["mixture/m-1: source.tasks"]


def test_a_share_of_another_launch_may_write_while_scratch_is_removed(tmp_path: Path):
    program = (
        "import itertools, pathlib, sys\n"
        "for number in itertools.count():\n"
        "    path = pathlib.Path(sys.argv[1], f'{number % 50}.jsonl')\n"
        "    try: path.parent.mkdir(parents=True, exist_ok=True), path.write_text('one')\n"
        "    except OSError: pass\n"
    )
    parts = tmp_path / SCRATCH / "parts"
    with subprocess.Popen([sys.executable, "-c", program, str(parts)]) as share:
        try:
            for _ in range(30):
                while not parts.exists():
                    time.sleep(0.001)
                remove_scratch(tmp_path)
        finally:
            share.kill()

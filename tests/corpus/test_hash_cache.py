import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mmprolong.corpus.hash_cache import Hashing, cache_path, pool_digest
from tests.corpus.pdfs import write_pdf
from tests.disk import fill, mount, small_disk

TIME = 10**18


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    write_pdf(tmp_path / "pool" / "x.pdf")
    (tmp_path / "pool" / os.fsdecode(b"caf\xe9.pdf")).write_bytes(b"not really")
    return tmp_path / "pool"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def warned(pool: Path, store: Path) -> tuple[str, list[str]]:
    lines: list[str] = []
    return pool_digest(pool, store, warn=lines.append), lines


def edit(path: Path) -> None:
    """Change a file so that its size and time stay."""
    path.write_bytes(path.read_bytes().swapcase())
    os.utime(path, ns=(TIME, TIME))


def test_the_digest_names_contents_and_names_but_not_the_place(pool: Path, store: Path):
    digest = pool_digest(pool, store)
    moved = pool.rename(pool.with_name("moved"))
    assert pool_digest(moved, store) == digest
    (moved / "x.pdf").rename(moved / "y.pdf")
    renamed = pool_digest(moved, store)
    (moved / "y.pdf").write_bytes(b"%PDF-1.7")
    assert len({digest, renamed, pool_digest(moved, store)}) == 3


def test_what_is_known_is_not_hashed_again_and_what_changed_is(pool: Path, store: Path):
    for path in pool.iterdir():
        os.utime(path, ns=(TIME, TIME))
    digest = pool_digest(pool, store)
    edit(pool / "x.pdf")
    assert pool_digest(pool, store) == digest
    os.utime(pool / "x.pdf")
    assert pool_digest(pool, store) != digest


def flip(path: Path) -> None:
    content = path.read_bytes()
    digit = content.rindex(b'"]') - 1
    path.write_bytes(content[:digit] + (b"0" if content[digit : digit + 1] != b"0" else b"1") + content[digit + 1 :])


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("[]"),
        lambda path: path.write_bytes(b"\xff\0\n" * 9),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: (path.unlink(), path.mkdir()),
        flip,
    ],
)
def test_a_damaged_cache_costs_time_and_a_line(pool: Path, store: Path, damage: Callable[[Path], object]):
    digest = pool_digest(pool, store)
    damage(cache_path(pool, store))
    found, lines = warned(pool, store)
    assert found == digest
    assert str(cache_path(pool, store)) in lines[0]


def test_a_store_that_is_full_or_read_only_stops_nobody(pool: Path, tmp_path: Path):
    with small_disk(tmp_path / "disk", "64k") as disk:
        fill(disk, 0)
        found, (line,) = warned(pool, disk)
        assert "no space left" in line and found == pool_digest(pool, tmp_path / "store")
        assert [path for path in disk.rglob("*") if path.is_file()] == [disk / "filler"]
        mount(disk, "64k", "remount", "ro")
        found, (line,) = warned(pool, disk)
        assert "Read-only file system" in line and found == pool_digest(pool, tmp_path / "store")


def test_a_file_that_cannot_be_read_counts_until_it_can(pool: Path, store: Path):
    before = pool_digest(pool, store)
    (pool / "z.pdf").symlink_to("gone.pdf")
    broken = pool_digest(pool, store)
    assert broken == pool_digest(pool, store) != before
    write_pdf(pool / "gone.pdf").rename(pool / "gone")
    (pool / "z.pdf").unlink()
    (pool / "gone").rename(pool / "z.pdf")
    assert pool_digest(pool, store) not in (before, broken)


def test_the_first_look_says_how_fast_it_is_and_how_long_it_takes():
    line = str(Hashing(files=1000, of_files=4000, bytes=10**9, of_bytes=4 * 10**9, seconds=2.0))
    assert line == "hashing the pool: 1,000 of 4,000 new files, 500 MB/s, 6 s left"

"""A small sweep that is finished once for all tests of the commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.typed import TINY
from tests.disk import small_disk
from tests.small import command, run, small_pool


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_pool(tmp_path_factory.mktemp("cli") / "pool")


@pytest.fixture(scope="session")
def swept(pool: Path) -> Path:
    """The store of a finished sweep of three rows."""
    done = run(command(pool.parent / "store", pool, *TINY))
    assert done.returncode == 0, done.stdout + done.stderr
    return pool.parent / "store"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 1 MB."""
    with small_disk(tmp_path / "disk", "1m") as folder:
        yield folder

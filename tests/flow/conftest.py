"""A small sweep that is finished once for all tests of the flow."""

import subprocess
from pathlib import Path

import pytest

from tests.small import command, run, small_pool


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_pool(tmp_path_factory.mktemp("flow") / "pool")


@pytest.fixture(scope="session")
def finished(pool: Path) -> tuple[Path, subprocess.CompletedProcess]:
    """Its store, which no test changes, and what it said."""
    store = pool.parent / "store"
    return store, run(command(store, pool))

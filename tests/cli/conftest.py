"""A small sweep that is finished once for all tests of the commands."""

import os
import pty
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mmprolong.artifacts import Store
from mmprolong.choices import ablations, groups
from mmprolong.cli import main
from mmprolong.cli.complete import candidates
from mmprolong.cli.completion import SCRIPTS
from mmprolong.cli.lookup import Steps, step_folders
from mmprolong.compose import Composer, freeze
from mmprolong.config import Tracking
from mmprolong.errors import DiskFull, MMProLongError
from mmprolong.stages import run_step, steps_of
from tests.disk import mount, small_disk
from tests.small import command, run, small_pool

from tests.cli.typed import TINY


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



"""A small file system of its own, for tests of a full disk."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A new folder on a file system of its own, which a child process unmounts even if these tests are killed."""
    folder.mkdir()
    if shutil.which("mount") is None or mount(folder, size).returncode != 0:
        pytest.skip("mounting a small file system is not permitted here; run as root to test a full disk")
    until_closed = ["sh", "-c", 'cat; exec umount --lazy "$0"', str(folder)]
    guard = subprocess.Popen(until_closed, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield folder
    finally:
        guard.communicate()
        assert guard.returncode == 0


def mount(folder: Path, size: str, *more: str) -> subprocess.CompletedProcess:
    """Mount it, or with `remount` change its size."""
    words = ["mount", "-t", "tmpfs", "-o", ",".join([*more, f"size={size}"]), "tmpfs", str(folder)]
    return subprocess.run(words, capture_output=True, check=False)


def fill(disk: Path, room: int) -> Path:
    """Leave `room` bytes; returns the file that takes the rest."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - room)
    return filler

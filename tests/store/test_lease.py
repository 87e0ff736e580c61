import errno
import fcntl
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from mmprolong.errors import ArtifactError
from mmprolong.store.lease import LEASE, is_held, lease


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
        waits.append(is_held(tmp_path))
        assert holder.pid is not None
        os.kill(holder.pid, signal.SIGKILL)

    with lease(tmp_path, waiting):
        assert waits[0]
    holder.join()


def test_a_file_system_without_locks_stops_who_writes_and_nobody_who_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / LEASE).touch()

    def flock(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    assert not is_held(tmp_path)
    with pytest.raises(ArtifactError, match=r"locks no files \(No locks available\)"), lease(tmp_path, lambda: None):
        pass

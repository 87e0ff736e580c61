"""Files that appear whole or not at all, and survive a power cut."""

import errno
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from mmprolong.errors import ArtifactError, writing


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` once it is whole and on the disk; if that fails, nothing is left.

    Raises:
        DiskFull: names `path`.
    """
    partial = partial_name(path)
    try:
        with writing(path), partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def partial_name(path: Path) -> Path:
    """Return a name beside `path` to write it under: no process of any machine or container has the same."""
    return path.with_name(f"{path.name}.{socket.gethostname()}.{secrets.token_hex(4)}.partial")


def remove_partials(folder: Path) -> None:
    """Remove the files that a killed process left half written below a folder of which this process has the lease."""
    for path in folder.rglob("*.partial"):
        if path.is_file():
            path.unlink(missing_ok=True)  # a share of another launch may have ended it just now


def write_file(path: Path, content: bytes | str) -> Path:
    """Write `content`, text as UTF-8, as `replacing` does; returns `path`."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return path


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON, as `replacing` does."""
    write_file(path, msgspec.json.format(msgspec.json.encode(value), indent=1))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file of ours.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: {error}; delete it and run the step again") from error


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that bring names to the disk at once
            raise
    finally:
        os.close(descriptor)

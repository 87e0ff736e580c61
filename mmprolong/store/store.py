"""The store of finished steps: one folder a step, `done.json` written last. No done.json, no result."""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from mmprolong.errors import ArtifactError, writing
from mmprolong.records import RunRecord

DONE = "done.json"
LOG = "log.jsonl"
PROGRESS = "progress.json"
FAILED = "failed.json"
CHECKPOINTS = "checkpoints"
ANSWERED = "answered.jsonl"
PARTS = "parts"
CODE = ".code"
SPENT = ".spent"
LEASE = ".lease"
_RESUME = (CHECKPOINTS, ANSWERED, PARTS)
"""What a step goes on from after a stop: no results, and gone once it is finished."""
_UNHASHED = {DONE, LOG, PROGRESS, FAILED, CODE, SPENT, LEASE, "pool.txt"}
"""Not results: they say when, where and how a step ran."""


class Store:
    """Folders of steps by stage and id."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, stage: str, step: str) -> Path:
        """Where a step keeps its files, finished or not."""
        return self.root / stage / step

    def record(self, stage: str, step: str) -> RunRecord | None:
        """The record of a finished step; None if it is not finished.

        Raises:
            ArtifactError: `done.json` is there but damaged, is not of this step, or an output is missing.
        """
        folder = self.folder(stage, step)
        try:
            text = (folder / DONE).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            record = msgspec.json.decode(text, type=RunRecord)
        except msgspec.DecodeError as error:
            raise ArtifactError(f"{folder / DONE}: {error}; delete the folder to run the step again") from error
        if record.id != step:
            raise ArtifactError(
                f"{folder / DONE}: is the record of {record.id}; delete the folder to run the step again"
            )
        missing = [name for name in record.outputs if not (folder / name).exists()]
        if missing:
            raise ArtifactError(f"{folder}: {missing[0]} is missing; delete the folder to run the step again")
        return record

    def finish(self, record: RunRecord) -> None:
        """Declare a step finished; after this it never runs again."""
        write_json(self.folder(record.stage, record.id) / DONE, record)


def hash_outputs(folder: Path) -> dict[str, str]:
    """SHA-256 of every result file below `folder`, by relative name; logs, leases and snapshots are not results."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in _UNHASHED)
    names = {path: path.relative_to(folder) for path in files}
    return {name.as_posix(): _sha256(path) for path, name in names.items() if name.parts[0] not in _RESUME}


def goes_on(folder: Path) -> bool:
    """Whether an earlier attempt has left something in `folder` that the step goes on from."""
    return any(path.name in _RESUME for path in folder.iterdir())


def code_so_far(folder: Path, code: Mapping[str, str]) -> dict[str, str]:
    """The code of a step that begins, or goes on from what an earlier attempt has left in `folder`.

    Args:
        code: digests of the files that this attempt uses. One of which an attempt before used another is 'one+other'.
    """
    before = read_json(folder / CODE) if (folder / CODE).exists() and goes_on(folder) else {}
    found = dict(before)
    for name, digest in code.items():
        used = before[name].split("+") if name in before else []
        found[name] = "+".join(dict.fromkeys([*used, digest]))
    write_json(folder / CODE, found)
    return found


def drop_resume(folder: Path) -> None:
    """Remove what the step in `folder` would go on from: it is finished."""
    for name in (*_RESUME, CODE, SPENT):
        path = folder / name
        if path.is_dir():
            with suppress(FileNotFoundError):  # a launch on a machine that shares no locks is removing it, too
                shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def drop_left_over(folder: Path) -> None:
    """`drop_resume` of a finished step that was killed before the end of its own; not while a process holds it."""
    if goes_on(folder):
        with suppress(PermissionError), (folder / LEASE).open("a") as file:  # another user's is left to them
            if locked(file.fileno()):
                drop_resume(folder)


def sweep_partials(folder: Path) -> None:
    """Remove what a killed attempt left half written in a folder that is held by its lease."""
    for path in folder.rglob("*.partial"):
        if path.is_file():
            path.unlink()


def write_json(path: Path, value: object) -> None:
    """Write `value` so that the file appears whole or not at all, and survives a power cut.

    Raises:
        DiskFull: names the file.
    """
    write_whole(path, msgspec.json.format(msgspec.json.encode(value), indent=1))


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write `content`, text as UTF-8, as `write_json` does; returns `path`.

    Raises:
        DiskFull: names the file.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with writing(path), partial.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path


def read_json(path: Path) -> dict:
    """A JSON object from a file of ours.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: {error}; delete it and run the step again") from error


@contextmanager
def lease(folder: Path, waiting: Callable[[], None], poll: float = 0.5) -> Iterator[None]:
    """Hold `folder` alone. A second process waits until the first is done or dead; the kernel frees a dead one's lease.

    Args:
        waiting: called at every look at which somebody else holds the folder.
        poll: time between two looks [s].
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LEASE).open("a") as file:
        while not locked(file.fileno()):
            waiting()
            time.sleep(poll)
        yield


def held(folder: Path) -> bool:
    """Whether a process of this machine has the lease of `folder`.

    Asked by a shared lock that is given back at once: it works in containers, where `/proc/locks` names other devices
    or nothing, and readers do not see each other. A process that wants the lease in that moment looks again at its next
    poll. A file system without locks across nodes says nothing of other nodes.
    """
    try:
        with (folder / LEASE).open("rb") as file:
            return not locked(file.fileno(), fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def locked(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take the lock of an open file, unless another process has it; held until the file is closed."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

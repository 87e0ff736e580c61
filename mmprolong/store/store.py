"""The store of finished steps: one folder a step, `done.json` written last. No done.json, no result."""

import hashlib
import os
import shlex
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.plugins import identity_of
from mmprolong.store.atomic import sync_folder, write_json
from mmprolong.store.fingerprint import differences
from mmprolong.store.lease import LEASE
from mmprolong.store.run_record import RunRecord

DONE = "done.json"
LOG = "log.jsonl"
PROGRESS = "progress.json"
FAILED = "failed.json"
SCRATCH = "scratch"
"""Folder for resuming a step after a stop: never a result, removed once the step is finished."""
SECONDS = "seconds.jsonl"
_NOTES = {DONE, LOG, PROGRESS, FAILED, LEASE, SECONDS, "pool.txt"}
"""Files about the run of a step: no results."""


class Store:
    """Folders of steps by stage and id."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, stage: str, step: str) -> Path:
        """Return the folder in which a step keeps its files, finished or not."""
        return self.root / stage / step

    def record(self, stage: str, step: str) -> RunRecord | None:
        """Return the record of a finished step, None if it is not finished. The content of its outputs is not checked.

        Raises:
            ArtifactError: `done.json` is damaged or not of this step, or an output is missing.
        """
        folder = self.folder(stage, step)
        try:
            content = (folder / DONE).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        record = _decode(folder, content)
        if record.id != step:
            raise damaged(folder, DONE, f"is the record of {record.id}")
        missing = next((name for name in record.outputs if not (folder / name).exists()), None)
        if missing:
            raise damaged(folder, missing, "is missing")
        return record

    def verified(self, stage: str, step: str) -> RunRecord | None:
        """Return `record`, with the content of every output compared with its SHA-256. For readers of the outputs.

        Raises:
            ArtifactError: as `record`, or an output is not what the step wrote.
        """
        record = self.record(stage, step)
        folder = self.folder(stage, step)
        for name, recorded in record.outputs.items() if record else ():
            status = (folder / name).stat()
            found = _known_sha256(folder / name, status.st_size, status.st_mtime_ns)
            if found != recorded:
                raise damaged(folder, name, f"has SHA-256 {found[:12]}..., was written with {recorded[:12]}...")
        return record

    def finish(self, record: RunRecord) -> None:
        """Declare a step finished, whose outputs are on the disk; after this it never runs again."""
        folder = self.folder(record.stage, record.id)
        plain = msgspec.to_builtins(record)
        write_json(folder / DONE, plain | {"digest": _digest(plain)})
        sync_folder(folder)


def hash_outputs(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every result below `folder`, by relative name, once all of them are on the disk."""
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - {SCRATCH})
        for path in (Path(parent, name) for name in sorted(names) if name not in _NOTES):
            found[path.relative_to(folder).as_posix()] = _sha256(path, sync=True)
        sync_folder(Path(parent))
    return found


def remove_scratch(folder: Path) -> None:
    """Remove the scratch folder of a finished step.

    A share of its parts, run by another launch, may still write in it: what stays is removed at the next look.
    """
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)


def drifted(record: RunRecord, settings: Any) -> list[str]:
    """Return a line for each setting that a finished step had otherwise than `settings`, which have the same id.

    Its default was edited since: the stored result is of the old one.

    Args:
        settings: of the step's stage, as they are today.
    """
    return [
        f"{record.path}: {key} was {then!r} when it ran, and is {now!r} by default today; restore the "
        f"default, or raise the version of {record.stage} in settings/stages.py to run it again"
        for key, then, now in differences(record.all_settings, identity_of(settings, whole=True))
    ]


def _decode(folder: Path, content: bytes) -> RunRecord:
    try:
        plain = msgspec.json.decode(content)
        record = msgspec.convert(plain, RunRecord)
    except msgspec.DecodeError as error:
        raise damaged(folder, DONE, f"is no record ({error})") from error
    if record.digest != _digest(plain):
        raise damaged(folder, DONE, "does not have the content that its digest is of")
    return record


def _digest(plain: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record, whatever its order and spacing."""
    content = msgspec.json.encode({**plain, "digest": ""}, order="sorted")
    return hashlib.sha256(content).hexdigest()


def damaged(folder: Path, name: str, found: str) -> ArtifactError:
    """Return the error about a file in a finished step's folder."""
    again = f"delete the folder to run the step again: rm -r {shlex.quote(str(folder))}"
    return ArtifactError(f"{folder / name}: {found}; {again}")


@cache
def _known_sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Hash a file once in this process, unless it changes."""
    return _sha256(path)


def _sha256(path: Path, sync: bool = False) -> str:
    with path.open("rb") as file:
        if sync:
            os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()

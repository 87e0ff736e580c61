"""Offline runs brought to W&B one by one: a torn file costs its own tail and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmprolong.errors import ArtifactError
from mmprolong.reporting.results.wandb import require_reachable
from mmprolong.reporting.results.wandb_files import payloads
from mmprolong.runtime.wandb_logger import one_line

SYNCED, TORN, EMPTY, BEFORE, FAILED = "synced", "torn", "empty", "synced before", "failed"
SECONDS = 600
_TEARS = ("incomplete record", "leveldb/record: invalid chunk")
"""What wandb 0.31 calls a file whose end did not reach the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What became of one offline folder."""

    run: str
    """Id of the run."""
    state: str
    """synced; torn: uploaded up to the tear; empty: nothing is on disk yet; synced before, whole or torn; failed."""
    reason: str = ""


def sync_runs(folder: Path, entity: str = "", project: str = "", seconds: int = SECONDS) -> Iterator[Synced]:
    """Upload the offline runs below `folder` (`<store>/wandb`), oldest first; each is done when it is yielded.

    Args:
        entity: in whose name; empty: as the run says, or the key's owner.
        project: empty: as the run says.
        seconds: time that the upload of one run may take.

    Raises:
        ConfigError: W&B cannot be reached or refuses the key, now or any more; what was yielded stays uploaded.
    """
    files = sorted(folder.glob("offline-run-*/run-*.wandb"))
    states = {path: _before(path) for path in files}
    if any(not state for state, _ in states.values()):
        require_reachable(seconds)
    for path, (state, reason) in states.items():
        if not state:
            state, reason = _upload(path, entity, project, seconds)
            if state == FAILED:
                require_reachable(seconds)
        yield Synced(run=path.stem.removeprefix("run-"), state=state, reason=reason)


def _before(path: Path) -> tuple[str, str]:
    """What can be said of a file without uploading it. One that has grown since it was uploaded is uploaded again."""
    marker = _marker(path)
    if marker.exists() and marker.stat().st_mtime_ns >= path.stat().st_mtime_ns:
        return BEFORE, marker.read_text(encoding="utf-8")
    marker.unlink(missing_ok=True)
    try:
        written = next(payloads(path), None)
    except ArtifactError as error:
        return FAILED, str(error)
    return ("", "") if written else (EMPTY, f"{path.stat().st_size} bytes")


def _upload(path: Path, entity: str, project: str, seconds: int) -> tuple[str, str]:
    words = [sys.executable, "-m", "wandb", "beta", "sync", "--yes"]
    words += [text for name, value in (("--entity", entity), ("--project", project)) if value for text in (name, value)]
    written = path.stat().st_mtime_ns
    own = {name: value for name, value in os.environ.items() if name not in ("WANDB_SERVICE", "WANDB_SILENT")}
    try:
        done = subprocess.run([*words, str(path)], env=own, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return FAILED, f"no end after {seconds} s"
    if _marker(path).exists():
        _mark(path, written, "")
        return SYNCED, ""
    error = _error(done.stderr)
    if any(tear in error for tear in _TEARS):
        _mark(path, written, TORN)
        return TORN, "uploaded what was written whole; the rest is in the step's log.jsonl"
    return FAILED, one_line(error or f"exit code {done.returncode}")


def _marker(path: Path) -> Path:
    """What wandb leaves beside a file that it has uploaded."""
    return path.with_name(path.name + ".synced")


def _mark(path: Path, written: int, state: str) -> None:
    """Note what became of a file as it was before its upload: the run may go on meanwhile."""
    _marker(path).write_text(state, encoding="utf-8")
    os.utime(_marker(path), ns=(written, written))


def _error(said: str) -> str:
    """The first error that wandb tells of, else its last words."""
    lines = [line.removeprefix("wandb: ") for line in said.strip().splitlines()] or [""]
    return next((line.removeprefix("ERROR ") for line in lines if line.startswith("ERROR ")), lines[-1])

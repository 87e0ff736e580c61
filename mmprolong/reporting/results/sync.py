"""Upload of offline runs to W&B one by one: a torn file costs its own tail and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mmprolong.reporting.results.wandb import require_reachable
from mmprolong.reporting.results.wandb_files import HEADER
from mmprolong.runtime.wandb_logger import one_line

SYNCED, TORN, EMPTY, BEFORE, FAILED = "synced", "torn", "empty", "synced before", "failed"
SECONDS = 600
_TEARS = ("incomplete record", "leveldb/record: invalid chunk")
"""Messages of wandb 0.31 about a file whose end is not on the disk."""


class Synced(NamedTuple):
    """The state of one offline folder after its upload."""

    run: str
    """Id of the run."""
    state: str
    """synced; torn: uploaded up to the tear; empty: nothing is on disk yet; synced before; failed."""
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
    reachable = False
    for path in sorted(folder.glob("offline-run-*/run-*.wandb")):
        run, marker = path.stem.removeprefix("run-"), path.with_name(path.name + ".synced")
        if marker.exists() and marker.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            yield Synced(run, BEFORE)
        elif path.stat().st_size <= HEADER:
            yield Synced(run, EMPTY)
        else:
            if not reachable:
                require_reachable(seconds)
            state, reason = _upload(path, marker, entity, project, seconds)
            if state == FAILED:
                require_reachable(seconds)
            reachable = True
            yield Synced(run, state, reason)


def _upload(path: Path, marker: Path, entity: str, project: str, seconds: int) -> tuple[str, str]:
    """Upload a file, and date wandb's marker beside it as the file was before: the run may go on meanwhile."""
    words = [sys.executable, "-m", "wandb", "beta", "sync", "--yes"]
    words += [text for name, value in (("--entity", entity), ("--project", project)) if value for text in (name, value)]
    written = path.stat().st_mtime_ns
    marker.unlink(missing_ok=True)
    own = {name: value for name, value in os.environ.items() if name not in ("WANDB_SERVICE", "WANDB_SILENT")}
    try:
        done = subprocess.run([*words, str(path)], env=own, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return FAILED, f"no end after {seconds} s"
    torn = any(tear in done.stderr for tear in _TEARS)
    if torn or marker.exists():
        marker.touch()
        os.utime(marker, ns=(written, written))
        return (TORN, "uploaded what was written whole; the rest is in the step's log.jsonl") if torn else (SYNCED, "")
    lines = [line.removeprefix("wandb: ") for line in done.stderr.strip().splitlines()]
    errors = [line.removeprefix("ERROR ") for line in lines if line.startswith("ERROR ")]
    return FAILED, one_line((errors or lines[-1:] or [f"exit code {done.returncode}"])[0])

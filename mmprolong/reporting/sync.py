"""Offline runs brought to W&B one by one: a torn file costs its own tail and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmprolong.errors import ArtifactError
from mmprolong.reporting.wandb_api import require_reachable
from mmprolong.reporting.wandb_files import payloads

SYNCED, TORN, EMPTY, BEFORE, FAILED = "synced", "torn", "empty", "synced before", "failed"
_SECONDS = 600
"""Time one run may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What became of one offline folder."""

    run: str
    """Id of the run."""
    folder: Path
    state: str
    """synced; torn: uploaded up to the tear; empty: nothing had reached the disk; synced before; failed."""
    reason: str = ""


def sync_runs(folder: Path, entity: str = "", project: str = "") -> Iterator[Synced]:
    """Upload the offline runs below `folder` (`<store>/wandb`), oldest first; each is done when it is yielded.

    Args:
        entity: in whose name; empty: as the run says, or the key's owner.
        project: empty: as the run says.

    Raises:
        ConfigError: W&B cannot be reached or refuses the key; nothing was uploaded.
    """
    files = sorted(folder.glob("offline-run-*/run-*.wandb"))
    states = {path: _before(path) for path in files}
    if any(not state for state, _ in states.values()):
        require_reachable()
    for path, (state, reason) in states.items():
        if not state:
            state, reason = _upload(path, entity, project)
        yield Synced(run=path.stem.removeprefix("run-"), folder=path.parent, state=state, reason=reason)


def _before(path: Path) -> tuple[str, str]:
    """What can be said of a file without uploading it."""
    if path.with_name(path.name + ".synced").exists():
        return BEFORE, ""
    try:
        written = next(payloads(path), None)
    except ArtifactError as error:
        return FAILED, str(error)
    return ("", "") if written else (EMPTY, f"{path.stat().st_size} bytes")


def _upload(path: Path, entity: str, project: str) -> tuple[str, str]:
    words = [sys.executable, "-m", "wandb", "beta", "sync", "--yes"]
    words += [text for name, value in (("--entity", entity), ("--project", project)) if value for text in (name, value)]
    own = {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}
    try:
        done = subprocess.run([*words, str(path)], env=own, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return FAILED, f"no end after {_SECONDS} s"
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        return FAILED, said[-1] if said else f"exit code {done.returncode}"
    if path.with_name(path.name + ".synced").exists():
        return SYNCED, ""
    return TORN, "uploaded what was written whole"

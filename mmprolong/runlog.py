"""What a running step says: a flushed JSONL file that is the record, a progress file, and a mirror in W&B."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.artifacts import LOG, PROGRESS, write_json
from mmprolong.config import Tracking

_PROGRESS_SECONDS = 0.5


class Interrupted(BaseException):
    """A step was asked to stop and has saved what it had: no failure. Run again, it goes on from there."""


def never() -> bool:
    """Nobody asks the step to stop."""
    return False


class RunLog:
    """The log of one step. `metrics` lines reach the disk at once; the mirror may lag or be off.

    Args:
        stopping: true once the step is asked to stop; one that can go on later saves and raises `Interrupted`.
    """

    def __init__(self, folder: Path, mirror: "Mirror | None" = None, stopping: Callable[[], bool] = never) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.stopping = stopping
        self._mirror = mirror
        self._started = time.time()
        self._base: int | None = None
        self._reported = 0.0

    def metrics(self, values: Mapping[str, Any]) -> None:
        """Append one line to `log.jsonl`."""
        with (self.folder / LOG).open("ab") as file:
            file.write(msgspec.json.encode(values) + b"\n")
        if self._mirror is not None:
            self._mirror.metrics(values)

    def progress(self, done: int, total: int, unit: str) -> None:
        """Say how far the step is; anyone may read it from `progress.json`."""
        now = time.time()
        if self._base is None:
            self._base, self._started = done, now
        if now - self._reported < _PROGRESS_SECONDS and done < total:
            return
        self._reported = now
        rate = (done - self._base) / max(now - self._started, 1e-9)
        write_json(self.folder / PROGRESS, {"done": done, "total": total, "unit": unit, "rate": rate, "time": now})

    def rewind(self, updates: int) -> None:
        """Forget the lines after an update: the step resumes from its checkpoint there."""
        path = self.folder / LOG
        if not path.exists():
            return
        lines = [line for line in path.read_bytes().splitlines(keepends=True) if _update(line) <= updates]
        partial = path.with_name(LOG + ".partial")
        partial.write_bytes(b"".join(lines))
        partial.replace(path)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Close the log; `summary` is what a table reads."""
        (self.folder / PROGRESS).unlink(missing_ok=True)
        if self._mirror is not None:
            self._mirror.finish(summary, failed=False)

    def fail(self) -> None:
        """Close the log of a step that ended without a result."""
        if self._mirror is not None:
            self._mirror.finish({}, failed=True)


class Mirror:
    """One W&B run for one step. A requeued step continues the run of the same id.

    The mirror may break: its own process gets the signals of a job too, and networks fail. The step goes on without it.
    """

    def __init__(self, step: str, config: Mapping[str, Any], name: str, group: str, root: Path, tracking: Tracking):
        import wandb

        self._step = step
        self._broken = False
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        root.mkdir(parents=True, exist_ok=True)
        quiet = wandb.Settings(
            x_disable_stats=True, x_disable_meta=True, disable_git=True, disable_code=True, console="off"
        )
        self._run = wandb.init(
            project=tracking.project,
            id=step,
            name=name,
            group=group,
            config=dict(config),
            dir=root,
            mode="online" if tracking.mode == "online" else "offline",
            resume="allow" if tracking.mode == "online" else None,
            reinit="finish_previous",
            settings=quiet,
        )

    def metrics(self, values: Mapping[str, Any]) -> None:
        """Log one row."""
        self._try(lambda: self._run.log(dict(values)))

    def finish(self, summary: Mapping[str, Any], failed: bool) -> None:
        """Write the summary and end the run."""
        self._try(lambda: self._run.summary.update(_flat(summary)))
        self._try(lambda: self._run.finish(exit_code=int(failed)))

    def _try(self, action: Callable[[], object]) -> None:
        if self._broken:
            return
        try:
            action()
        except Exception as error:  # noqa: BLE001  (whatever a library of a mirror raises, the record is on the disk)
            self._broken = True
            sys.stderr.write(f"W&B: the mirror of {self._step} ends here: {type(error).__name__}: {error}\n")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}/"))
        else:
            flat[prefix + key] = value
    return flat


def _update(line: bytes) -> int:
    try:
        return int(json.loads(line).get("update", 0))
    except ValueError:
        return 2**62  # a line torn by a kill is after every checkpoint

"""Log of a running step: a JSONL file that is the record, progress, usage, and a copy in Weights & Biases."""

import json
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import DiskFull
from mmprolong.runtime.wandb_logger import WandbLogger
from mmprolong.store.atomic import read_json, write_file, write_json
from mmprolong.store.store import LOG, PROGRESS, SCRATCH

NOTES = "attempts"
"""Folder in a step's scratch with the usage of its attempts; a step does not resume from it."""
_PROGRESS_SECONDS = 0.5
_NEVER = 2**62
"""A line that is after every checkpoint."""


class Interrupted(BaseException):
    """A step was asked to stop and has saved what it had: no failure. Run again, it continues there."""


def never() -> bool:
    """Answer that nobody asks the step to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Usage:
    """Time and code of the attempts at a step."""

    seconds: float = 0.0
    """Wall time [s]."""
    cpu_seconds: float = 0.0
    code: dict[str, str] = field(default_factory=dict)
    """Digests of source files by name: 'one+other' of a file that was edited between attempts."""


class Attempt:
    """One attempt at a step, from now on; the attempts before it count too if they left something to go on from.

    Each has a file of its own, since those that share the parts of a step run at once. One that was killed counts up to
    its last `note`.

    Args:
        scratch: of the step; the notes lie there.
        code: digests of the files that this attempt uses.
        shares: it runs some parts only, beside others.
    """

    def __init__(self, scratch: Path, code: Mapping[str, str], shares: bool = False) -> None:
        self._notes = scratch / NOTES
        self._notes.mkdir(parents=True, exist_ok=True)
        if not shares and all(path == self._notes for path in scratch.iterdir()):
            for path in self._notes.glob("*.json"):
                path.unlink(missing_ok=True)
        self._path = self._notes / f"{socket.gethostname()}-{secrets.token_hex(4)}.json"
        self._code = dict(code)
        self._wall, self._cpu = time.monotonic(), time.process_time()
        self.note()

    def add_cpu(self, seconds: float) -> None:
        """Count the CPU time of other processes that work for the step [s]."""
        self._cpu -= seconds

    def note(self) -> None:
        """Keep what this attempt has taken until now.

        Raises:
            DiskFull: it cannot be written.
        """
        seconds, cpu_seconds = time.monotonic() - self._wall, time.process_time() - self._cpu
        write_json(self._path, Usage(seconds, cpu_seconds, self._code))

    @property
    def usage(self) -> Usage:
        """Time that all attempts have taken until now, and the code that they used."""
        self.note()
        attempts = [msgspec.convert(read_json(path), Usage) for path in sorted(self._notes.glob("*.json"))]
        code: dict[str, set[str]] = {}
        for name, digest in (pair for each in attempts for pair in each.code.items()):
            code.setdefault(name, set()).add(digest)
        return Usage(
            seconds=sum(each.seconds for each in attempts),
            cpu_seconds=sum(each.cpu_seconds for each in attempts),
            code={name: "+".join(sorted(digests)) for name, digests in code.items()},
        )


class RunLog:
    """The log of one step. `metrics` lines reach the disk at once; the copy in W&B may lag or be off.

    Args:
        folder: of the step.
        attempt: measures what the step takes.
        stopping: true once the step is asked to stop; one that can continue later saves and raises `Interrupted`.
    """

    def __init__(
        self,
        folder: Path,
        attempt: Attempt | None = None,
        wandb: WandbLogger | None = None,
        stopping: Callable[[], bool] = never,
    ) -> None:
        self.folder = folder
        self.attempt = attempt or Attempt(folder / SCRATCH, {})
        self.stopping = stopping
        self._wandb = wandb
        self._started = time.time()
        self._base: int | None = None
        self._reported = 0.0

    def metrics(self, values: Mapping[str, Any], step: int) -> None:
        """Append one line to `log.jsonl`.

        Args:
            step: number of the row; the same in an attempt that continues after a stop.
        """
        with (self.folder / LOG).open("ab") as file:
            file.write(msgspec.json.encode(values) + b"\n")
        if self._wandb is not None:
            self._wandb.metrics(values, step)

    def table(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Show records, which are in files already, in W&B; they are made only if it wants them."""
        if self._wandb is not None:
            self._wandb.table(name, rows)

    def stop_if_asked(self) -> None:
        """End a step that starts from its beginning after a stop.

        Raises:
            Interrupted: the step was asked to stop.
        """
        if self.stopping():
            raise Interrupted

    def progress(self, done: int, total: int, unit: str) -> None:
        """Write how far the step is into `progress.json`, where anyone may read it."""
        now = time.time()
        if self._base is None:
            self._base, self._started = done, now
        if now - self._reported < _PROGRESS_SECONDS and done < total:
            return
        self._reported = now
        rate = (done - self._base) / max(now - self._started, 1e-9)
        write_json(self.folder / PROGRESS, {"done": done, "total": total, "unit": unit, "rate": rate, "time": now})
        self.attempt.note()

    def rewind(self, updates: int) -> None:
        """Forget the lines after an update: the step resumes from its checkpoint there; 0 forgets all."""
        path = self.folder / LOG
        if path.exists():
            lines = path.read_bytes().splitlines(keepends=True)
            write_file(path, b"".join(line for line in lines if _update(line) <= updates))

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Close the log; `summary` is what a table reads."""
        if self._wandb is not None:
            self._wandb.finish(summary, failed=False)
        (self.folder / PROGRESS).unlink(missing_ok=True)

    def fail(self) -> None:
        """Close the log of a step that ended without a result."""
        with suppress(OSError, DiskFull):  # the error that is on its way up says why
            self.attempt.note()
        if self._wandb is not None:
            self._wandb.finish({}, failed=True)


def _update(line: bytes) -> int:
    try:
        return int(json.loads(line).get("update", _NEVER))
    except ValueError:  # torn by a kill
        return _NEVER

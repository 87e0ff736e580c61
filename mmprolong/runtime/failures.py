"""Kinds of failure: the signs of each, and advice."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, strsignal
from typing import Any

from mmprolong.errors import DiskFull, MMProLongError, StepFailed, out_of_space
from mmprolong.runtime.wandb_logger import PREFIX
from mmprolong.store.atomic import write_json
from mmprolong.store.store import FAILED

ADVICE = {
    "memory": "ask for more (cluster.jobs.{stage}.memory=GIGABYTES), take a smaller batch, or let fewer steps run at "
    "once (cluster.processes); then `{again}`",
    "time": "ask for more (cluster.jobs.{stage}.minutes=MINUTES): `{again}`",
    "node": "not the step's fault: `{again}`",
    "killed": "by a person, or for want of memory (cluster.jobs.{stage}.memory, or fewer at once: "
    "cluster.processes): `{again}`",
    "disk": "free some space, then `{again}`",
    "data": "mend the setting or the data that it names, then run the sweep again: `{again}`",
    "input": "`{again}` runs its inputs first",
    "job": "its job ended before the step could say anything; `mmprolong logs` shows what it wrote. Mend that, then "
    "`{again}`",
    "code": "a bug: failed.json has its traceback or what it wrote last; mend it, then `{again}`",
    "hung": "the log has the stacks of its processes (`mmprolong logs`): does a file system or a network not answer? "
    "Then `{again}`",
    "cancelled": "`{again}` submits it again",
}
"""Advice by kind of failure."""

_SIGNS = {
    "memory": r"^OUT_OF_ME\w*$|oom[-_]kill event|[Ee]xceeded (job )?memory limit",
    "time": r"^(TIMEOUT|DEADLINE)$|DUE TO TIME LIMIT",
    "node": r"^(\w+_FAIL|PREEMPTED|REVOKED|\w+_FAILED)$|DUE TO (NODE FAILURE|PREEMPTION)|error: Node failure on",
    "disk": r"[Nn]o space left on (the )?device|Disk quota exceeded",
    "cancelled": r"^CANCELLED$|\*\*\* JOB .* CANCELLED AT \S+ \*\*\*",
    "killed": r"^srun: error: \S+: tasks? [\d,-]+: Killed",
}
"""Patterns of the states with which Slurm closes a job, and of the lines that it writes into the job's log then.

Those that say most come first. Lines serve clusters that keep no accounts, and disks without room for a note.
"""
_KILLS = (SIGKILL, SIGTERM, SIGINT, SIGHUP)
"""Signals that come from outside; a process gets the others by its own fault."""
_MEMORY = ("MemoryError", "OutOfMemoryError", "out of memory", "Cannot allocate memory", "can't allocate memory")


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason why a step has no result."""

    kind: str
    message: str
    """The first line of what was found; the rest stands in the note alone."""

    def advice(self, stage: str, again: str) -> str:
        """Return what to do about it.

        Args:
            again: the command that runs the step again.
        """
        return ADVICE[self.kind].format(stage=stage, again=again)


def kind_of(error: BaseException) -> str:
    """Return the kind of failure that an exception is.

    A full disk and too little memory are told by the error's number, type or words; of the rest our own errors are the
    data's (or a missing input's) fault, and everything else is a bug.
    """
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, DiskFull) or out_of_space(error, "disk"):
        return "disk"
    if isinstance(error, MemoryError) or any(words in text for words in _MEMORY):
        return "memory"
    if isinstance(error, StepFailed):
        return "input"
    return "data" if isinstance(error, MMProLongError) else "code"


def read_failure(folder: Path) -> Failure | None:
    """Return the failure that the step in `folder` wrote down; None if it did not."""
    note = _note(folder)
    return Failure(note["kind"], note["error"].strip().partition("\n")[0]) if note else None


def read_traceback(folder: Path) -> list[str]:
    """Return the traceback beside it, or what the step's process wrote last; empty if there is neither."""
    return str(_note(folder).get("traceback", "")).splitlines()


def _note(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / FAILED).read_bytes())
    except (OSError, ValueError):  # none, or torn: nothing is known
        return {}


def write_failure(folder: Path, failure: Failure, traceback: str = "") -> None:
    """Write down in a step's folder why it failed, for `read_failure`; on a full disk there is no note."""
    note = {"kind": failure.kind, "error": failure.message, "traceback": traceback}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / FAILED, note)
    except (OSError, DiskFull):  # the caller reports the failure, too
        return


def from_process(code: int) -> Failure:
    """Return the failure of a step whose process on this machine ended under it.

    Args:
        code: exit code; of a signal the negative number, or 128 more than it if the process ended itself on one from
            outside.
    """
    signal = code - 128 if code - 128 in _KILLS else -code
    if signal <= 0:
        return Failure("code", f"its process ended with exit code {code}, and left no note")
    says = f"its process ended with signal {signal} ({strsignal(signal)})"
    return Failure("killed" if signal in _KILLS else "code", says)


def from_log(lines: Sequence[str]) -> Failure | None:
    """Return the failure that a line of a job's log names; None if none does."""
    telling = [line.strip() for line in reversed(lines) if not line.startswith(PREFIX)]
    found = ((kind, line) for kind, sign in _SIGNS.items() for line in telling if re.search(sign, line))
    return next((Failure(kind, f"log: {line}") for kind, line in found), None)


def from_job(state: str, exit_code: str = "", node: str = "") -> Failure | None:
    """Return the failure of a job that ended without leaving a note; None if its end says nothing.

    Args:
        state: Slurm's word.
        exit_code: `code:signal`, empty if unknown.
    """
    where = f" on {node}" if node else ""
    if kind := next((kind for kind, sign in _SIGNS.items() if re.search(sign, state)), None):
        return Failure(kind, f"Slurm: {state.lower().replace('_', ' ')}{where}")
    if state != "FAILED":
        return None
    code, _, signal = exit_code.partition(":")
    if signal == "9" or code in ("137", "9"):
        return Failure("killed", f"Slurm: its process was killed (signal 9){where}")
    return Failure("job", f"Slurm: failed with exit code {exit_code or '?'}{where}, and left no note")

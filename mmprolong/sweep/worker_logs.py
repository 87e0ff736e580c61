"""What the worker processes of this machine wrote, by step: a log is a worker's, which runs step after step."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmprolong.pipeline.steps import Step
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store

LOGS = "logs"
_HEADING = re.compile(rf"({'|'.join(STAGES)})/\S+ \(.*\)")


@dataclass(frozen=True, slots=True)
class StepLog:
    """What was written while one step ran."""

    path: Path
    lines: list[str]
    """Empty ones are left out."""


def heading(step: Step) -> str:
    """The line that a worker writes as it begins a step."""
    return f"{step.path} ({step.label})"


def step_logs(store: Store) -> dict[str, StepLog]:
    """What the newest attempt at each step wrote, by `stage/id`."""
    logs = sorted((store.root / LOGS).glob("worker-*.log"), key=lambda path: path.stat().st_mtime)
    return {step: log for path in logs for step, log in read_log(path)}


def read_log(path: Path) -> Iterator[tuple[str, StepLog]]:
    """The steps of one worker, `stage/id`, in the order in which it ran them."""
    step, lines = "", []
    for line in path.read_text(errors="replace").splitlines():
        if _HEADING.fullmatch(line):
            if step:
                yield step, StepLog(path, lines)
            step, lines = line.partition(" ")[0], []
        elif line.strip():
            lines.append(line)
    if step:
        yield step, StepLog(path, lines)

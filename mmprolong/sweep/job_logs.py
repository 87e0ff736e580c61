"""The log of a job on Slurm: its attempts, one below the other, each below a line that the task writes as it begins."""

import re
from collections.abc import Sequence
from pathlib import Path

import mmprolong
from mmprolong.pipeline.steps import Step
from mmprolong.settings.stages import STAGES

_HEADING = re.compile(rf"({'|'.join(STAGES)})/\S+ \(.*\), code .+")


def heading(step: Step) -> str:
    """The line that a job writes as it begins a step."""
    return f"{step.path} ({step.label}), code {Path(mmprolong.__file__).parent}"


def newest_attempt(lines: Sequence[str]) -> Sequence[str]:
    """Those of `lines` that stand below the last heading; all, if there is none: the attempt began above them."""
    headings = (place for place, line in enumerate(lines) if _HEADING.fullmatch(line))
    return lines[max(headings, default=-1) + 1 :]

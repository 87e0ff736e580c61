"""Work that one process is given, a whole step, a share of its parts, or one node's ranks of it; and its log.

A log is one file for each step on this machine, one for each job on Slurm, attempt after attempt.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import mmprolong
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.ranks import Place, run_in_ranks
from mmprolong.pipeline.run import run_share, run_step
from mmprolong.pipeline.steps import Step
from mmprolong.settings.execution import Tracking
from mmprolong.store.store import Store
from mmprolong.sweep.resources import job_of, ranks_per_node

_HEADING = "mmprolong runs "
_TAIL = 1 << 18
"""Size of the end of a log that is read [bytes]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A step of a plan, and the share of it that one process runs."""

    step: Step
    ablation: str
    tracking: Tracking
    element: int = 0
    width: int = 0
    """Run the parts k with k mod width = element; 0: run the whole step and join its parts."""
    ranks: int = 1
    """Number of collective processes on each node."""

    @classmethod
    def of(cls, plan: Plan, name: str, element: int = 0, width: int = 0) -> Self:
        """Return the assignment of a step of a plan, or of a share of its parts."""
        step, shares = plan.steps[name], {"element": element, "width": width}
        ranks = ranks_per_node(plan.cluster, step)
        if step.stage == "training":
            step = replace(step, settings=step.settings | {"gpus": job_of(plan.cluster, step).gpus})
        return cls(step=step, ablation=plan.ablation, tracking=plan.tracking, ranks=ranks, **shares)

    @property
    def heading(self) -> str:
        """Line above the output of this assignment in a log."""
        share = f", share {self.element} of {self.width}" if self.width else ""
        return f"{_HEADING}{self.step.path} ({self.step.label}), code {Path(mmprolong.__file__).parent}{share}"

    def run(self, store: Store, stopping: Callable[[], bool], place: Place | None = None) -> None:
        """Run the step, or the share of it.

        Args:
            place: nodes on which the ranks run; None: all ranks run on this machine.

        Raises:
            Interrupted: the step was asked to stop and has saved its progress.
            MMProLongError: the reason why the step failed.
        """
        place = place or Place(processes=self.ranks)
        if self.width:
            run_share(store, self.step, self.element, self.width, stopping)
        elif place.processes * place.nodes > 1:
            run_in_ranks(store, self.step, self.tracking, self.ablation, stopping, place)
        else:
            run_step(store, self.step, self.tracking, self.ablation, stopping)


def local_log(store: Store, step: Step) -> Path:
    """Return the log of the processes that ran a step on this machine."""
    return store.root / "logs" / f"{step.stage}-{step.id}.log"


def newest_attempt(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines below the last heading; all if there is none, as the attempt began above them."""
    headings = (place for place, line in enumerate(lines) if line.startswith(_HEADING))
    return lines[max(headings, default=-1) + 1 :]


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a file without empty ones, of its last 256 KiB; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            torn = file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL)) > 0
            found = file.read().decode(errors="replace").splitlines()[torn:]
    except OSError:
        return []
    whole = [line for line in found if line.strip()]
    return whole[max(0, len(whole) - lines) :]

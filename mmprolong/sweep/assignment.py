"""What one process is given to do, on this machine or in a job on a cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.ranks import Place, run_in_ranks
from mmprolong.pipeline.run import run_parts, run_step
from mmprolong.pipeline.steps import Step
from mmprolong.settings.execution import Cluster, Tracking
from mmprolong.store.store import Store
from mmprolong.sweep.log_files import heading
from mmprolong.sweep.resources import ranks_per_node


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A whole step, or a share of its parts, or this node's ranks of it."""

    step: Step
    ablation: str
    tracking: Tracking
    element: int = 0
    width: int = 0
    """The parts k with k mod width = element; 0: the whole step, which joins its parts."""
    ranks: int = 1
    """Collective processes on each node."""

    @classmethod
    def of(cls, plan: Plan, name: str, cluster: Cluster, tracking: Tracking, element: int = 0, width: int = 0) -> Self:
        """Give out a step of a plan, or a share of it."""
        step, shares = plan.steps[name], {"element": element, "width": width}
        return cls(step=step, ablation=plan.ablation, tracking=tracking, ranks=ranks_per_node(cluster, step), **shares)

    @property
    def heading(self) -> str:
        """The line that stands in a log above what is written meanwhile."""
        return heading(self.step, f", share {self.element} of {self.width}" if self.width else "")

    def carry_out(self, store: Store, stopping: Callable[[], bool], place: Place | None = None) -> None:
        """Do it.

        Args:
            place: where the ranks run; None: all on this machine.

        Raises:
            Interrupted: it was asked to stop, and has saved what it had.
            MMProLongError: why the step failed.
        """
        place = place or Place(processes=self.ranks)
        if self.width:
            run_parts(store, self.step, self.element, self.width, stopping)
        elif place.processes * place.nodes > 1:
            run_in_ranks(store, self.step, self.tracking, self.ablation, stopping, place)
        else:
            run_step(store, self.step, self.tracking, self.ablation, stopping)

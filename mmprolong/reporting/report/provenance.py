"""Where results come from: steps, code, packages, hardware, time."""

from dataclasses import dataclass
from pathlib import Path

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import RunRecord
from mmprolong.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """All finished steps of a plan, and what they have in common."""

    steps: tuple[RunRecord, ...]
    planned: int
    """Different steps in the plan."""

    @property
    def hours(self) -> float:
        """Wall time of all steps together [h]."""
        return sum(step.seconds for step in self.steps) / 3600

    @property
    def cpu_hours(self) -> float:
        """CPU time of all steps together [h]."""
        return sum(step.cpu_hours for step in self.steps)

    @property
    def commits(self) -> list[str]:
        """Versions of the code that made the results."""
        return sorted({step.commit for step in self.steps if step.commit})

    @property
    def hardware(self) -> list[str]:
        """Machines that made them."""
        return sorted({step.hardware for step in self.steps if step.hardware})

    @property
    def packages(self) -> list[str]:
        """Packages with every version that was in use."""
        return sorted({f"{name} {version}" for step in self.steps for name, version in step.packages.items()})


def provenance(store: Path, plan: Plan) -> Provenance:
    """The records of the plan's finished steps, each once.

    Raises:
        ArtifactError: a record is damaged.
    """
    stages = {step: stage_of(role) for point in plan.points for role, step in point.steps.items()}
    records = (Store(store).record(stage, step) for step, stage in stages.items())
    return Provenance(steps=tuple(record for record in records if record), planned=len(stages))

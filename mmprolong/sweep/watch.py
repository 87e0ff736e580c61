"""Where the steps of a plan stand while this machine's launcher runs them."""

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.records import RunRecord
from mmprolong.runtime.failures import Failure
from mmprolong.store.store import Store
from mmprolong.sweep.launch import Progress
from mmprolong.sweep.standing import Standing, noted, running


class Watch:
    """Joins what the launcher knows with what the steps say; the records of finished ones are read once."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store = store
        self._plan = plan
        self._records: dict[str, RunRecord | None] = {}

    def look(self, progress: Progress) -> dict[str, Standing]:
        """Where the steps stand, by id."""
        return {name: self._standing(step, progress) for name, step in self._plan.steps.items()}

    def _standing(self, step: Step, progress: Progress) -> Standing:
        folder = self._store.folder(step.stage, step.id)
        if step.id in progress.finished:
            if step.id not in self._records:
                self._records[step.id] = self._store.record(step.stage, step.id)
            return Standing(state="finished", record=self._records[step.id])
        if step.id in progress.running:
            return running(folder)
        if step.id in progress.failed:
            failure = noted(folder) or Failure("killed", progress.failed[step.id])
            return Standing(state="failed", failure=failure)
        return Standing(state="blocked" if step.id in progress.blocked else "open")

"""The runs of an ablation from the store: every file that is read is compared with its record first."""

from dataclasses import replace
from pathlib import Path

from mmprolong.evaluation.recount import check_means
from mmprolong.pipeline.plan import Plan, load_plan
from mmprolong.records import Score
from mmprolong.reporting.results.origins import origin_of
from mmprolong.reporting.results.runs import Runs, require_comparable, score_steps
from mmprolong.reporting.results.staleness import edits_since, mark_stale
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store


def read_store(store: Path, ablation: str) -> Runs:
    """Read the runs of `ablation` with every result that is finished.

    Raises:
        ConfigError: the store has no plan of that name.
        ArtifactError: a finished result is damaged, or results cannot be compared.
    """
    return read_runs(store, load_plan(Store(store), ablation))


def read_and_mark_stale(store: Path, ablation: str) -> Runs:
    """Read the runs of `ablation` as `read_store` does, and mark the stale rows."""
    return mark_stale(read_store(store, ablation), store)


def read_runs(store: Path, plan: Plan) -> Runs:
    """Read the runs of `plan`, of which the store may hold another under its name, as `read_store` does.

    Raises:
        ArtifactError: a finished result is damaged, or results cannot be compared.
    """
    steps = Store(store)
    results = {step: scores for step in score_steps(plan) if (scores := _scores(steps, step))}
    runs = Runs(plan=plan, results=results, store=store)
    records = {step: steps.record(stage, step) for step, stage in runs.steps().items()}
    origins = {step: origin_of(record) for step, record in records.items() if record}
    return require_comparable(replace(runs, origins=origins, edited=edits_since(steps, plan, origins)))


def _scores(store: Store, step: str) -> tuple[Score, ...]:
    """Return the scores of a step; none if it is not finished."""
    record = store.verified("score", step)
    if record is None:
        return ()
    folder = store.folder("score", step)
    scores = tuple(read_jsonl(folder / "scores.jsonl", Score))
    check_means(folder, record, scores)
    return scores

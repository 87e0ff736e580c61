"""The runs of an ablation from the store, each file compared with its record; their staleness against today's code."""

import ast
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from mmprolong.errors import MMProLongError
from mmprolong.evaluation.recount import check_means
from mmprolong.pipeline.plan import Plan, load_plan
from mmprolong.pipeline.run import settings_of
from mmprolong.records import Score
from mmprolong.reporting.results.runs import Runs, require_comparable, score_steps
from mmprolong.settings.stages import STAGES
from mmprolong.store.environment import code_of
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store, drifted
from mmprolong.sweep.planning import plan_again

_PACKAGE = Path(__file__).parents[2]


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
    records = {step: record for step, stage in runs.steps().items() if (record := steps.record(stage, step))}
    return require_comparable(replace(runs, records=records))


def mark_stale(runs: Runs, store: Path) -> Runs:
    """Mark the rows whose runs differ from those that the ablation's file, overrides and stages give today.

    The sweep is planned again with the overrides of its launch, and compared id by id. Where that cannot be done, a
    remark gives the reason.

    Args:
        store: keeps the digests of pools; it need not exist.
    """
    try:
        with TemporaryDirectory() as empty:
            today, _ = plan_again(runs.plan, store if store.is_dir() else Path(empty))
    except MMProLongError as error:
        reason = str(error).partition("\n")[0]
        return replace(runs, remarks=(f"Not known whether rows are stale: {reason}.",))
    fresh = {point.name: point.scores for point in today.points}
    launched = {point.name: point for point in runs.plan.points}
    changed = {point.label for name, point in launched.items() if fresh.get(name) != point.scores}
    stale = tuple(label for label in runs.plan.labels if label in changed and runs.of(label))
    new = [name for name in fresh if name not in launched]
    remarks = [f"In the ablation file but not launched: {', '.join(new)}."] if new else []
    planned = [(record, today.steps[step]) for step, record in runs.records.items() if step in today.steps]
    if lines := [line for record, step in planned for line in drifted(record, settings_of(step))]:
        remarks.append(lines[0] + (f" ({len(lines) - 1} more)" if len(lines) > 1 else ""))
    return replace(runs, stale=stale, remarks=tuple(remarks))


def edited_files(record: RunRecord) -> list[str]:
    """Return the files that were edited since a step ran, of those that its stage and the plug-ins it chose import."""
    stage = STAGES[record.stage].module
    today = code_of(stage)
    edited = [name for name, digest in record.code.items() if today.get(name, digest) != digest]
    if not edited:
        return []
    settings = json.dumps(record.all_settings)
    used = {f"{stage.partition('.')[2].replace('.', '/')}.py"}
    used |= {name for name in today if f'"{Path(name).stem}"' in settings}
    while more := {each for name in used for each in _imports(name)} & today.keys() - used:
        used |= more
    return [name for name in edited if name in used]


@cache
def _imports(name: str) -> set[str]:
    """Return the files of the package that a file of it may import."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((_PACKAGE / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            place = node.module.replace(".", "/").removeprefix(f"{_PACKAGE.name}/")
            found |= {f"{place}.py", f"{place}/__init__.py", *(f"{place}/{each.name}.py" for each in node.names)}
    return found


def _scores(store: Store, step: str) -> tuple[Score, ...]:
    """Return the scores of a step; none if it is not finished."""
    record = store.verified("score", step)
    if record is None:
        return ()
    folder = store.folder("score", step)
    scores = tuple(read_jsonl(folder / "scores.jsonl", Score))
    check_means(folder, record, scores)
    return scores

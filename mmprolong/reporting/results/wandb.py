"""The runs of an ablation from W&B: its API, or its offline files."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import ArtifactError, ConfigError
from mmprolong.pipeline.plan import Plan, load_plan
from mmprolong.records import Score
from mmprolong.reporting.results.origins import Origin, plugin_versions
from mmprolong.reporting.results.runs import Runs, require_comparable, score_steps
from mmprolong.reporting.results.wandb_files import WandbRun, merged, nested, read_runs
from mmprolong.runtime.wandb_logger import one_line
from mmprolong.store.store import Store

PAGE = 50
"""Runs a request; larger pages are slower."""
SECONDS = 30
"""Time W&B may take to answer."""


def read_offline(folder: Path, ablation: str) -> Runs:
    """Read the runs of `ablation` from W&B's offline folders (`offline-run-*`); its plan is `../plans/<ablation>.json`.

    Runs are joined by id, because a run that two ablations share carries the group of the first. A score run is
    finished once it has logged its means after its questions, history rows with the fields of a `Score`.

    Raises:
        ConfigError: the store has no plan of that name.
        ArtifactError: a file is none of W&B's, or results cannot be compared.
    """
    plan = load_plan(Store(folder.parent), ablation)
    return _joined(plan, read_runs(folder, score_steps(plan)).values())


def read_api(project: str, ablation: str, store: Path, seconds: int = SECONDS) -> Runs:
    """Read the runs of `ablation` from a project of W&B; its plan is `plans/<ablation>.json` in the store.

    Only finished runs count. A snapshot keeps what was read.

    Args:
        project: `entity/project`.
        seconds: time W&B may take to answer.

    Raises:
        ConfigError: W&B cannot be reached or refuses the key, there is no such project or plan, or `project` is not
            of two parts.
        ArtifactError: results cannot be compared.
    """
    plan = load_plan(Store(store), ablation)
    entity_and_project(project)
    return _joined(plan, _finished(project, score_steps(plan), seconds))


def entity_and_project(project: str) -> tuple[str, str]:
    """Return the two parts of `entity/project`.

    Raises:
        ConfigError: it has not these two.
    """
    entity, _, name = project.partition("/")
    if not entity or not name or "/" in name:
        raise ConfigError(f"W&B project: {project!r}; write entity/project")
    return entity, name


@contextmanager
def errors_of(project: str) -> Iterator[None]:
    """Say W&B's own errors in one line.

    Raises:
        ConfigError: in place of them.
    """
    import requests
    from wandb.errors import Error

    try:
        yield
    except (Error, requests.RequestException, ValueError) as error:
        check = "check WANDB_API_KEY (or `wandb login`), WANDB_BASE_URL and the project's name"
        raise ConfigError(f"{f'W&B {project}'.strip()}: {one_line(error)}; {check}") from error


def require_reachable(seconds: int = SECONDS) -> None:
    """Ask W&B who we are.

    Args:
        seconds: time it may take to answer; no more than `SECONDS` in any case.

    Raises:
        ConfigError: it cannot be reached or refuses the key.
    """
    with errors_of(""):
        import wandb

        wandb.Api(timeout=min(seconds, SECONDS))


def _joined(plan: Plan, runs: Iterable[WandbRun]) -> Runs:
    """Return the runs of a plan with the evaluations and origins that W&B holds."""
    found = {run.id: run for run in runs if "overall" in run.summary}
    results = {step: scores for step in score_steps(plan) if step in found and (scores := _scores(found[step]))}
    origins = {step: origin for step, run in found.items() if (origin := _origin(run)) != Origin()}
    return require_comparable(Runs(plan=plan, results=results, origins=origins))


def _finished(project: str, steps: list[str], seconds: int) -> Iterator[WandbRun]:
    with errors_of(project):
        import wandb

        api = wandb.Api(timeout=seconds)
        wanted: dict[str, Any] = {"$and": [{"name": {"$in": steps}}, {"state": "finished"}]}
        for run in api.runs(project, filters=wanted, per_page=PAGE, order="+created_at"):
            rows = ({name.replace(".", "/"): value for name, value in row.items()} for row in run.scan_history())
            summary = nested(run.summary_metrics)
            yield WandbRun(id=run.id, config=dict(run.config), summary=summary, history=merged(rows))


def _scores(run: WandbRun) -> tuple[Score, ...]:
    rows = [nested(row) for row in run.history if "sample" in row and "value" in row]
    try:
        return tuple(msgspec.convert(row, Score, strict=False) for row in rows)
    except msgspec.ValidationError as error:
        raise ArtifactError(f"W&B run {run.id}: {error}; expected rows with the fields of a Score") from error


def _origin(run: WandbRun) -> Origin:
    """Return the origin that the step wrote into the run's configuration."""
    config: dict[str, Any] = {"commit": "", "code": [], "packages": {}, "hardware": "", "settings": {}, **run.config}
    try:
        parts = {name: config[name] for name in ("commit", "packages", "hardware")}
        code = dict(line.split(" ") for line in config["code"])
        return msgspec.convert({**parts, "code": code, "versions": plugin_versions(config["settings"])}, Origin)
    except (ValueError, AttributeError, msgspec.ValidationError) as error:
        raise ArtifactError(f"W&B run {run.id}: {error}; expected commit, code, packages, hardware") from error

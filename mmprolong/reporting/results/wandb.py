"""The runs of an ablation from W&B, and their upload."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import ArtifactError, ConfigError
from mmprolong.pipeline.plan import Plan, load_plan
from mmprolong.records import Score
from mmprolong.reporting.results.runs import Runs, require_comparable, score_steps
from mmprolong.reporting.results.wandb_files import nested, read_runs
from mmprolong.runtime.wandb_logger import one_line
from mmprolong.store.store import Store

PAGE = 50
"""Runs a request; larger pages are slower."""
SECONDS = 30
"""Time W&B may take to answer."""


def read_wandb(store: Path, ablation: str, project: str, seconds: int = SECONDS) -> Runs:
    """Read the finished runs of a plan in `store` from a project of W&B, joined by step id.

    A run that two ablations share carries the group of the first. The history of a score run has a row a question, with
    the fields of a `Score`.

    Args:
        project: `entity/project`.

    Raises:
        ConfigError: the store has no such plan, W&B cannot be reached or refuses the key, or there is no such project.
        ArtifactError: results cannot be compared.
    """
    plan = load_plan(Store(store), ablation)
    wanted: dict[str, Any] = {"$and": [{"name": {"$in": score_steps(plan)}}, {"state": "finished"}]}
    with errors_of(project):
        import wandb

        found = wandb.Api(timeout=seconds).runs(project, filters=wanted, per_page=PAGE, order="+created_at")
        return _joined(plan, ((run.id, _rows(run)) for run in found if "overall" in run.summary_metrics))


def read_offline(store: Path, ablation: str) -> Runs:
    """Read the runs of a plan in `store` from the offline files that W&B wrote there, joined by step id.

    Raises:
        ConfigError: the store has no such plan.
        ArtifactError: a file is none of W&B's, or results cannot be compared.
    """
    plan = load_plan(Store(store), ablation)
    runs = read_runs(store / "wandb", score_steps(plan)).items()
    return _joined(plan, ((name, map(nested, run.history)) for name, run in runs if "overall" in run.summary))


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

    Raises:
        ConfigError: it cannot be reached or refuses the key.
    """
    with errors_of(""):
        import wandb

        wandb.Api(timeout=seconds)


def sync_runs(folder: Path, entity: str = "", project: str = "", seconds: int = SECONDS) -> dict[str, bool]:
    """Upload the offline runs below `folder` (`<store>/wandb`) by `wandb beta sync`, which says what it does.

    Returns by offline folder whether all of it is in W&B; what went on since its upload is uploaded again.

    Args:
        entity: in whose name; empty: as the run says, or the key's owner.
        project: empty: as the run says.

    Raises:
        ConfigError: W&B cannot be reached or refuses the key.
    """
    markers = {Path(f"{path}.synced"): path for path in sorted(folder.glob("offline-run-*/run-*.wandb"))}
    written = {marker: path.stat().st_mtime_ns for marker, path in markers.items()}
    for marker in markers:
        if marker.exists() and marker.stat().st_mtime_ns < written[marker]:
            marker.unlink()
    if not all(marker.exists() for marker in markers):
        require_reachable(seconds)
        words = [sys.executable, "-m", "wandb", "beta", "sync", "--yes", "--skip-synced"]
        words += ["--entity", entity] * bool(entity) + ["--project", project] * bool(project)
        own = {name: value for name, value in os.environ.items() if name not in ("WANDB_SERVICE", "WANDB_SILENT")}
        subprocess.run([*words, *map(str, markers.values())], env=own, check=False)
    done = {marker: marker.exists() for marker in markers}
    for marker in (marker for marker, whole in done.items() if whole):
        os.utime(marker, ns=(written[marker], written[marker]))  # the run may have gone on meanwhile
    return {marker.parent.name: whole for marker, whole in done.items()}


def _rows(run: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a run's history; the parts of its names are parted by a dot at the server."""
    for row in run.scan_history():
        yield nested({name.replace(".", "/"): value for name, value in row.items()})


def _joined(plan: Plan, histories: Iterable[tuple[str, Iterable[dict[str, Any]]]]) -> Runs:
    """Join the histories of finished runs with a plan by their ids."""
    found = {run: _scores(run, rows) for run, rows in histories}
    return require_comparable(
        Runs(plan=plan, results={step: found[step] for step in score_steps(plan) if found.get(step)})
    )


def _scores(run: str, rows: Iterable[dict[str, Any]]) -> tuple[Score, ...]:
    found = (row for row in rows if "sample" in row and "value" in row)
    try:
        return tuple(msgspec.convert(row, Score, strict=False) for row in found)
    except msgspec.ValidationError as error:
        raise ArtifactError(f"W&B run {run}: {error}; expected rows with the fields of a Score") from error

"""The runs of an ablation from W&B's API."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import load_plan
from mmprolong.reporting.sources.items import keep_items, read_items
from mmprolong.reporting.sources.runs import Runs, comparable, score_steps
from mmprolong.reporting.sources.wandb_files import WandbRun, merged, nested
from mmprolong.reporting.sources.wandb_offline import evaluated, origins_of
from mmprolong.runtime.wandb_logger import one_line
from mmprolong.store.store import Store

PAGE = 50
"""Runs a request; larger pages are slower."""
SECONDS = 30
"""Time W&B may take to answer."""


def read_api(
    project: str,
    ablation: str,
    store: Path,
    seconds: int = SECONDS,
    mixed_code: bool = False,
) -> Runs:
    """The runs of `ablation` in a project of W&B; its plan is `plans/<ablation>.json` in the store.

    Finished runs never change, so they are read once and kept in the store's folder `cache`, until another server is
    asked (WANDB_BASE_URL).

    Args:
        project: `entity/project`.
        seconds: time W&B may take to answer.
        mixed_code: whether results of different code may stand in one table.

    Raises:
        ConfigError: W&B cannot be reached or refuses the key, there is no such project or plan, or `project` is not
            of two parts.
        ArtifactError: the cache is damaged, or results cannot be compared.
    """
    plan = load_plan(Store(store), ablation)
    entity, name = entity_and_project(project)
    ids = score_steps(plan)
    server = os.environ.get("WANDB_BASE_URL", "")
    path = store / "cache" / "api" / entity / name / f"{ablation}.parquet"
    found = {step: item for step, item in read_items(path).items() if step in ids and item.mark == server}
    missing = [step for step in ids if step not in found]
    if missing:
        new = [evaluated(run, server) for run in _finished(project, missing, seconds)]
        found |= {item.result.id: item for item in new if item is not None}
        keep_items(path, plan, found)
    results = {step: found[step].result for step in ids if step in found}
    return comparable(Runs(plan=plan, results=results, origins=origins_of(found)), mixed_code)


def entity_and_project(project: str) -> tuple[str, str]:
    """The two parts of `entity/project`.

    Raises:
        ConfigError: it has not these two.
    """
    entity, _, name = project.partition("/")
    if not entity or not name or "/" in name:
        raise ConfigError(f"W&B project: {project!r}; write entity/project")
    return entity, name


def _finished(project: str, ids: list[str], seconds: int) -> Iterator[WandbRun]:
    with told(project):
        import wandb

        api = wandb.Api(timeout=seconds)
        wanted: dict[str, Any] = {"$and": [{"name": {"$in": ids}}, {"state": "finished"}]}
        for run in api.runs(project, filters=wanted, per_page=PAGE, order="+created_at"):
            rows = merged([dict(row) for row in run.scan_history()])
            yield WandbRun(id=run.id, config=dict(run.config), summary=_summary(run), history=rows)


def _summary(run: Any) -> dict[str, Any]:
    return nested({key: value for key, value in run.summary_metrics.items() if not key.startswith("_")})


@contextmanager
def told(project: str) -> Iterator[None]:
    """W&B's own errors in one line."""
    import requests
    from wandb.errors import Error

    try:
        yield
    except (Error, requests.RequestException, ValueError) as error:
        what = "check WANDB_API_KEY (or `wandb login`), WANDB_BASE_URL and the project's name"
        raise ConfigError(f"{f'W&B {project}'.strip()}: {one_line(error)}; {what}") from error


def require_reachable(seconds: int = SECONDS) -> None:
    """Ask W&B who we are.

    Args:
        seconds: time it may take to answer; no more than `SECONDS` in any case.

    Raises:
        ConfigError: it cannot be reached or refuses the key.
    """
    with told(""):
        import wandb

        wandb.Api(timeout=min(seconds, SECONDS))

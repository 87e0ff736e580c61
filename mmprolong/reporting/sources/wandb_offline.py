"""The runs of an ablation from W&B's offline files."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import load_plan
from mmprolong.records import Score
from mmprolong.reporting.sources.items import Item, keep_items, read_items
from mmprolong.reporting.sources.origins import Origin
from mmprolong.reporting.sources.runs import BenchmarkResult, Runs, comparable, score_steps
from mmprolong.reporting.sources.wandb_files import WandbRun, read_run, run_files
from mmprolong.store.store import Store

ALONE = 50
"""Runs that one process reads sooner than several have started."""


class _Files(NamedTuple):
    """Of one run."""

    step: str
    paths: list[Path]
    mark: str
    """Their state."""


def read_wandb(folder: Path, ablation: str, mixed_code: bool = False) -> Runs:
    """The runs of `ablation` from W&B's offline folders (`offline-run-*`); the plan is `../plans/<ablation>.json`.

    Runs are joined by id, because a run that two ablations share carries the group of the first. A score run that
    logged its questions (history rows with the fields of `Score`) allows intervals; one that logged means does not.
    What was read is kept in `../cache` until its files change.

    Raises:
        ConfigError, ArtifactError: as in `read_store`.
    """
    plan = load_plan(Store(folder.parent), ablation)
    ids = score_steps(plan)
    path = folder.parent / "cache" / f"offline-{ablation}.parquet"
    kept = read_items(path)
    files = [_Files(step, paths, _mark(paths)) for step, paths in run_files(folder).items() if step in ids]
    found = {one.step: kept[one.step] for one in files if one.step in kept and kept[one.step].mark == one.mark}
    found |= _read([one for one in files if one.step not in found])
    if found != kept:
        keep_items(path, plan, found)
    results = {step: item.result for step, item in found.items()}
    return comparable(Runs(plan=plan, results=results, origins=origins_of(found)), mixed_code)


def evaluated(run: WandbRun, mark: str) -> Item | None:
    """The evaluation that a run of W&B holds; None while it is not finished.

    Raises:
        ArtifactError: its questions have not the fields of a Score.
    """
    if "overall" not in run.summary:
        return None
    rows = [row for row in run.history if "sample" in row and "value" in row]
    try:
        scores = tuple(msgspec.convert(row, Score, strict=False) for row in rows)
    except msgspec.ValidationError as error:
        raise ArtifactError(f"W&B run {run.id}: {error}; expected rows with the fields of a Score") from error
    result = BenchmarkResult(id=run.id, metrics=run.summary, scores=scores)
    return Item(result=result, origin=_origin(run), mark=mark)


def origins_of(items: dict[str, Item]) -> dict[str, Origin]:
    """Where the score steps come from, as far as their runs say it."""
    return {step: item.origin for step, item in items.items() if item.origin != Origin()}


def _mark(paths: Sequence[Path]) -> str:
    stats = [(path.parent.name, path.stat()) for path in paths]
    return " ".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats)


def _read(files: Sequence[_Files]) -> dict[str, Item]:
    """The finished evaluations, read side by side if they are many."""
    cores = len(os.sched_getaffinity(0))
    items = _side_by_side(files, cores) if len(files) >= ALONE and cores > 1 else None
    if items is None:
        items = [evaluated(read_run(one.step, one.paths), one.mark) for one in files]
    return {one.step: item for one, item in zip(files, items, strict=True) if item is not None}


def _side_by_side(files: Sequence[_Files], cores: int) -> list[Item | None] | None:
    """By several processes; None where they cannot start, as below a script without `if __name__ == "__main__"`."""
    try:
        with ProcessPoolExecutor(cores, multiprocessing.get_context("forkserver")) as pool:
            return [msgspec.msgpack.decode(each, type=Item | None) for each in pool.map(_packed, files, chunksize=8)]
    except BrokenProcessPool:
        return None


def _packed(one: _Files) -> bytes:
    """For a way between processes that is ten times as fast as pickle's."""
    return msgspec.msgpack.encode(evaluated(read_run(one.step, one.paths), one.mark))


def _origin(run: WandbRun) -> Origin:
    """What the stages wrote into the run's configuration.

    Raises:
        ArtifactError: it has another shape.
    """
    config: dict[str, Any] = {"commit": "", "code": [], "packages": {}, "hardware": "", **run.config}
    try:
        files = dict(line.split(" ") for line in config["code"])
        parts = {name: config[name] for name in ("commit", "packages", "hardware")}
        return msgspec.convert({**parts, "code": files}, Origin)
    except (ValueError, AttributeError, msgspec.ValidationError) as error:
        raise ArtifactError(f"W&B run {run.id}: {error}; expected commit, code, packages, hardware") from error

"""All answers of an ablation in one flat Parquet file, a row an answer: for pandas, polars, duckdb; and our cache."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mmprolong.errors import ArtifactError, DiskFull, writing
from mmprolong.pipeline.plan import Plan
from mmprolong.records import Score
from mmprolong.reporting.sources.origins import Origin
from mmprolong.reporting.sources.runs import BenchmarkResult
from mmprolong.store.atomic import partial_name

if TYPE_CHECKING:
    from pandas import DataFrame

_SCORE = tuple(each.name for each in fields(Score))
_HEAD, _SUM = "mmprolong", "crc32"
"""Keys of the file's own metadata: what is no row, and its checksum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A finished evaluation as it was read from somewhere."""

    result: BenchmarkResult
    origin: Origin = field(default_factory=Origin)
    """What made its score step."""
    mark: str = ""
    """State of the source under which it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What a run has once."""

    metrics: dict[str, Any]
    origin: Origin
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    rows: int
    """Checksum of the rows."""
    runs: dict[str, _Run]


def write_items(path: Path, plan: Plan, items: Mapping[str, Item]) -> Path:
    """Write the answers of every run of `plan`; equal answers give equal files.

    Columns: `run` (id of the score step), `label`, `seed`, and the fields of a `Score`.

    Args:
        items: by id of the score step.

    Raises:
        DiskFull: names the file.
    """
    runs = {name: _Run(metrics=item.result.metrics, origin=item.origin, mark=item.mark) for name, item in items.items()}
    made = _frame(plan, {name: item.result for name, item in items.items()})
    head = msgspec.json.encode(_Head(rows=_checksum(made), runs=runs)).decode()
    made.attrs = {_HEAD: head, _SUM: zlib.crc32(head.encode())}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_name(path)
    try:
        with writing(path):
            made.to_parquet(partial, engine="pyarrow", index=False, compression="zstd")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def keep_items(path: Path, plan: Plan, items: Mapping[str, Item]) -> None:
    """Write a cache; a folder that cannot be written, or has no room, is left as it is."""
    with suppress(OSError, DiskFull):
        write_items(path, plan, items)


def read_items(path: Path) -> dict[str, Item]:
    """What `write_items` wrote, by id of the score step; nothing if there is no such file.

    Raises:
        ArtifactError: the file is damaged.
    """
    if not path.is_file():
        return {}
    import pandas

    try:
        return _items(pandas.read_parquet(path, engine="pyarrow"))
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ArtifactError(f"{path}: damaged ({reason}); delete it, it is made again") from error


def _items(held: "DataFrame") -> dict[str, Item]:
    attributes, held.attrs = held.attrs, {}
    text = attributes.get(_HEAD, "")
    if zlib.crc32(text.encode()) != attributes.get(_SUM):
        raise ValueError("its metadata is not ours, or fails its checksum")
    head = msgspec.json.decode(text, type=_Head)
    if _checksum(held) != head.rows:
        raise ValueError("its rows fail their checksum")
    scores = dict(_scores(held))
    return {
        name: Item(
            result=BenchmarkResult(id=name, metrics=run.metrics, scores=scores.get(name, ())),
            origin=run.origin,
            mark=run.mark,
        )
        for name, run in head.runs.items()
    }


def _checksum(held: "DataFrame") -> int:
    import pandas.util

    util: Any = pandas.util
    return int(util.hash_pandas_object(held).sum())


def _frame(plan: Plan, results: Mapping[str, BenchmarkResult]) -> "DataFrame":
    """The answers as a table of pandas, rows of the plan in its order; a run that two rows share stands in both."""
    import pandas

    chosen = [
        (point, results[step])
        for label in plan.labels
        for point in plan.of(label)
        for step in point.scores.values()
        if step in results
    ]
    columns: dict[str, list[Any]] = {
        "run": [result.id for _, result in chosen for _ in result.scores],
        "label": [point.label for point, result in chosen for _ in result.scores],
        "seed": [point.seed for point, result in chosen for _ in result.scores],
    }
    columns |= {name: [getattr(score, name) for _, result in chosen for score in result.scores] for name in _SCORE}
    return pandas.DataFrame(columns)


def _scores(held: "DataFrame") -> Iterator[tuple[str, tuple[Score, ...]]]:
    runs = zip(held["run"].tolist(), held["label"].tolist(), strict=True)
    answers = zip(*(held[name].tolist() for name in _SCORE), strict=True)
    for (run, _), group in groupby(zip(runs, answers, strict=True), key=lambda pair: pair[0]):
        yield run, tuple(Score(**dict(zip(_SCORE, values, strict=True))) for _, values in group)

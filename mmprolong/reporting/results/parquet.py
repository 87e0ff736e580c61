"""The results of an ablation in one Parquet file: a row an answer, for any tool; and all that a table needs."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import Plan
from mmprolong.records import Score
from mmprolong.reporting.results.origins import Origin
from mmprolong.reporting.results.runs import BenchmarkResult, Runs, comparable
from mmprolong.store.atomic import replacing

if TYPE_CHECKING:
    from pyarrow import Table

_HEAD = b"mmprolong"
"""Key of the file's own metadata, whose value is a `_Head`: JSON, compressed with a checksum."""
_FORMAT = 3
_TEXTS = ("sample", "benchmark", "task", "length", "cluster", "target", "parsed", "judge", "reason")
_AS_JSON = ("also", "facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """Everything but the answers."""

    format: int
    plan: Plan
    """Without its steps."""
    metrics: dict[str, dict[str, Any]]
    """By id of the score step, as the rest."""
    origins: dict[str, Origin]
    stale: tuple[str, ...]
    remarks: tuple[str, ...]


def write_results(path: Path, runs: Runs) -> Path:
    """Write every answer and what `read_results` needs to make the same table; equal results give equal files.

    Columns: `run` (id of the score step), `label`, `seed`, `depth` (of the evidence, or null), the fields of a `Score`;
    `also` and `facts` as JSON.

    Raises:
        DiskFull: names the file.
    """
    from pyarrow.parquet import write_table

    head = _Head(
        format=_FORMAT,
        plan=replace(runs.plan, steps={}),
        metrics={name: runs.results[name].metrics for name in sorted(runs.results)},
        origins={name: runs.origins[name] for name in sorted(runs.origins)},
        stale=tuple(sorted(runs.stale)),
        remarks=runs.remarks,
    )
    packed = base64.b64encode(gzip.compress(msgspec.json.encode(head), mtime=0))
    table = _table(runs).replace_schema_metadata({_HEAD: packed})
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        write_table(table, file, compression="zstd", write_page_checksum=True)
    return path


def read_results(path: Path) -> Runs:
    """Return the runs as they were when the file was written.

    Raises:
        ArtifactError: the file is missing, damaged, of another format, or holds what cannot be compared.
    """
    import pyarrow
    from pyarrow.parquet import read_table

    try:
        table = read_table(path, page_checksum_verification=True)
        text = gzip.decompress(base64.b64decode((table.schema.metadata or {})[_HEAD]))
        head = msgspec.json.decode(text, type=_Head)
        scores = dict(_scores(table))
    except (OSError, EOFError, pyarrow.ArrowException, KeyError, ValueError, zlib.error) as error:
        reason = str(error).partition("\n")[0]
        raise ArtifactError(f"{path}: {reason}; expected results of this version, write them again") from error
    if head.format != _FORMAT:
        raise ArtifactError(f"{path}: format {head.format}; this version reads {_FORMAT}")
    results = {
        name: BenchmarkResult(id=name, metrics=metrics, scores=scores.get(name, ()))
        for name, metrics in head.metrics.items()
    }
    stale = frozenset(head.stale)
    return comparable(Runs(plan=head.plan, results=results, origins=head.origins, stale=stale, remarks=head.remarks))


def _table(runs: Runs) -> "Table":
    """Return the answers row by row of the plan; a run that two rows share stands in both."""
    import pyarrow

    answers = [
        {"run": step, "label": point.label, "seed": point.seed, **_row(score)}
        for label in runs.plan.labels
        for point in runs.plan.of(label)
        for step in point.scores.values()
        if step in runs.results
        for score in runs.results[step].scores
    ]
    others = {"seed": pyarrow.int64(), "value": pyarrow.float64(), "malformed": pyarrow.bool_()}
    kinds = dict.fromkeys(("run", "label", *_TEXTS, *_AS_JSON), pyarrow.string()) | others
    return pyarrow.Table.from_pylist(answers, pyarrow.schema(kinds | {"depth": pyarrow.float64()}))


def _row(score: Score) -> dict[str, Any]:
    depth = score.facts.get("depth")
    row = {name: getattr(score, name) for name in ("value", "malformed", *_TEXTS)}
    row |= {name: json.dumps(getattr(score, name), sort_keys=True) for name in _AS_JSON}
    return row | {"depth": float(depth) if isinstance(depth, int | float) else None}


def _scores(table: "Table") -> Iterator[tuple[str, tuple[Score, ...]]]:
    """Yield the scores of each run; of one that stands in several rows those of the first."""
    found: dict[tuple[str, str, int], list[Score]] = {}
    for row in table.drop_columns(["depth"]).to_pylist():
        run = (row.pop("run"), row.pop("label"), row.pop("seed"))
        parts = {name: json.loads(row.pop(name)) for name in _AS_JSON}
        found.setdefault(run, []).append(Score(**row, **parts))
    yield from ((run[0], tuple(scores)) for run, scores in reversed(found.items()))

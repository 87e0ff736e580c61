"""A report's `items.parquet`: a row an answer, for any tool, and the plan, so that a table needs no store."""

import json
from collections import defaultdict
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.records import Score
from mmprolong.reporting.results.runs import Runs
from mmprolong.store.atomic import replacing

FILE = "items.parquet"
_PLAN = b"mmprolong.runs"
"""Metadata with the runs without their answers, as JSON."""
_JSON = ("also", "facts")


def write_items(path: Path, runs: Runs) -> Path:
    """Write every answer, row by row of the plan; a run that two rows share stands in both.

    Columns: `run` (id of the score step), `label`, `seed`, `depth` (of the evidence, or null), the fields of a `Score`;
    `also` and `facts` as JSON. Equal results give equal files.
    """
    from pyarrow import Table, bool_, float64, int64, schema, string
    from pyarrow.parquet import write_table

    answers = [
        {"run": step, "label": point.label, "seed": point.seed, **_columns(score)}
        for label in runs.plan.labels
        for point in runs.plan.of(label)
        for step in point.scores.values()
        for score in runs.results.get(step, ())
    ]
    types = dict.fromkeys(("run", "label", "seed", *(each.name for each in fields(Score)), "depth"), string())
    types |= {"seed": int64(), "value": float64(), "depth": float64(), "malformed": bool_(), "unparsed": bool_()}
    bare = replace(runs, plan=replace(runs.plan, steps={}), results={}, records={}, store=None)
    with replacing(path) as file:
        table = Table.from_pylist(answers, schema(types, {_PLAN: msgspec.json.encode(bare)}))
        write_table(table, file, compression="zstd", write_page_checksum=True)
    return path


def read_items(path: Path) -> Runs:
    """Return the runs of a file, without the records of their steps.

    Raises:
        ArtifactError: the file is missing, damaged, or of another version.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import read_table

    found: dict[str, dict[str, Score]] = defaultdict(dict)
    try:
        table = read_table(path, page_checksum_verification=True)
        runs = msgspec.json.decode((table.schema.metadata or {})[_PLAN], type=Runs)
        for row in table.to_pylist():
            score = msgspec.convert(row | {name: json.loads(row[name]) for name in _JSON}, Score)
            found[row["run"]][score.sample] = score
    except (OSError, ValueError, KeyError, ArrowException, msgspec.MsgspecError) as error:
        reason = str(error).partition("\n")[0]
        raise ArtifactError(f"{path}: {reason}; expected the items of a report of this version") from error
    return replace(runs, results={run: tuple(scores.values()) for run, scores in found.items()})


def _columns(score: Score) -> dict[str, Any]:
    texts = {name: json.dumps(getattr(score, name), sort_keys=True) for name in _JSON}
    depth = score.facts.get("depth")
    return asdict(score) | texts | {"depth": float(depth) if isinstance(depth, int | float) else None}

"""The results of an ablation in one Parquet file: a row an answer, for any tool; and all that a table needs."""

import base64
import gzip
import json
import zlib
from collections import defaultdict
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.records import Score
from mmprolong.reporting.results.runs import Runs, require_comparable
from mmprolong.store.atomic import replacing

_KEY = b"mmprolong.4"
"""Metadata with the runs without their answers: JSON, compressed with a checksum. The number is the format's."""
_JSON = ("also", "facts")


def write_results(path: Path, runs: Runs) -> Path:
    """Write every answer and what `read_results` needs to make the same table; equal results give equal files.

    Columns: `run` (id of the score step), `label`, `seed`, `depth` (of the evidence, or null), the fields of a `Score`;
    `also` and `facts` as JSON.
    """
    from pyarrow.parquet import write_table

    bare = replace(runs, plan=replace(runs.plan, steps={}), results={}, store=None)
    packed = base64.b64encode(gzip.compress(msgspec.json.encode(bare), mtime=0))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        table = _table(runs).replace_schema_metadata({_KEY: packed})
        write_table(table, file, compression="zstd", write_page_checksum=True)
    return path


def read_results(path: Path) -> Runs:
    """Return the runs as they were when the file was written.

    Raises:
        ArtifactError: the file is missing, damaged, of another version, or holds what cannot be compared.
    """
    import pyarrow
    from pyarrow.parquet import read_table

    try:
        table = read_table(path, page_checksum_verification=True)
        packed = gzip.decompress(base64.b64decode((table.schema.metadata or {})[_KEY]))
        runs = msgspec.json.decode(packed, type=Runs)
        results = _scores(table)
    except (OSError, EOFError, ValueError, KeyError, pyarrow.ArrowException, msgspec.MsgspecError, zlib.error) as error:
        reason = str(error).partition("\n")[0]
        raise ArtifactError(f"{path}: {reason}; expected results of this version, write them again") from error
    return require_comparable(replace(runs, results=results))


def _table(runs: Runs) -> Any:
    """Return the answers row by row of the plan; a run that two rows share stands in both."""
    import pyarrow

    answers = [
        {"run": step, "label": point.label, "seed": point.seed, **_fields(score)}
        for label in runs.plan.labels
        for point in runs.plan.of(label)
        for step in point.scores.values()
        for score in runs.results.get(step, ())
    ]
    types = dict.fromkeys(("run", "label", *(each.name for each in fields(Score))), pyarrow.string())
    types |= {"seed": pyarrow.int64(), "value": pyarrow.float64(), "depth": pyarrow.float64()}
    types |= dict.fromkeys(("malformed", "unparsed"), pyarrow.bool_())
    return pyarrow.Table.from_pylist(answers, pyarrow.schema(types))


def _fields(score: Score) -> dict[str, Any]:
    texts = {name: json.dumps(getattr(score, name), sort_keys=True) for name in _JSON}
    depth = score.facts.get("depth")
    return asdict(score) | texts | {"depth": float(depth) if isinstance(depth, int | float) else None}


def _scores(table: Any) -> dict[str, tuple[Score, ...]]:
    """Return the scores of each run; of one that stands in several rows those of the first."""
    first: dict[str, tuple[str, int]] = {}
    found: dict[str, list[Score]] = defaultdict(list)
    for row in table.to_pylist():
        place = row["label"], row["seed"]
        if first.setdefault(row["run"], place) == place:
            whole = row | {name: json.loads(row[name]) for name in _JSON}
            found[row["run"]].append(msgspec.convert(whole, Score))
    return {run: tuple(scores) for run, scores in found.items()}

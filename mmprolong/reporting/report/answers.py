"""The answers of an ablation in one Parquet file, a row an answer, for any tool."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from mmprolong.records import Score
from mmprolong.reporting.results.runs import Runs
from mmprolong.store.atomic import replacing


def write_answers(path: Path, runs: Runs) -> None:
    """Write every answer, row by row of the plan; a run that two rows share stands in both.

    Columns: `run` (id of the score step), `label`, `seed`, `depth` (of the evidence, or null), the fields of a `Score`;
    `also` and `facts` as JSON. Equal results give equal files.
    """
    import pandas

    answers = [
        {"run": step, "label": point.label, "seed": point.seed, **_fields(score)}
        for label in runs.plan.labels
        for point in runs.plan.of(label)
        for step in point.scores.values()
        for score in runs.results.get(step, ())
    ]
    columns: Any = ["run", "label", "seed", *(each.name for each in fields(Score)), "depth"]
    with replacing(path) as file:
        pandas.DataFrame(answers, columns=columns).to_parquet(file, compression="zstd", index=False)


def _fields(score: Score) -> dict[str, Any]:
    depth = score.facts.get("depth")
    texts = {name: json.dumps(getattr(score, name), sort_keys=True) for name in ("also", "facts")}
    return asdict(score) | texts | {"depth": float(depth) if isinstance(depth, int | float) else None}

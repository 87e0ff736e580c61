"""Stored replies scored again: JSON lines with `gold`, `pred` and `answer_format`, or items of a score step."""

import json
from collections.abc import Iterator
from math import isnan, nan
from pathlib import Path
from typing import Any

from mmprolong import plugins
from mmprolong.conversations import Message, Text
from mmprolong.errors import DataError
from mmprolong.evaluation.items import read_items
from mmprolong.evaluation.scorers import CRASHES, Scorer
from mmprolong.records import Gold, Sample
from mmprolong.store.atomic import replacing

SCORERS = "mmprolong.evaluation.scorers"
NAN = "<NaN>"
"""Stands for a float that is not a number, which JSON does not have."""
SERVED_BY = {
    "helmet_alce_and_choice": "helmet",
    "mmlongbench_binary_acc": "mmlongbench_tasks",
    "mmlongbench_parse_output": "mmlongbench_tasks",
    "slidevqa_normalize": "slidevqa",
    "vtcbench_vlmevalkit_metrics": "vtcbench_vlmevalkit",
}
"""Names of stored results that share a scorer."""


def rescore(name: str, source: Path, out: Path) -> int:
    """Write every line of `source` with its score to `out`; returns their number. The file appears whole or not at all.

    Raises:
        ConfigError: there is no such scorer.
        DataError: a line cannot be scored; names file and line.
        DiskFull: names the file.
    """
    count = 0
    with replacing(out) as file:
        for line in rescored(name, source):
            # unlike msgspec: whole numbers of any size, halves of surrogates
            file.write(json.dumps(line).encode("ascii") + b"\n")
            count += 1
    return count


def rescored(name: str, source: Path) -> Iterator[dict[str, Any]]:
    """Yield every line of `source` with its `score` and whether the official function raises on it (`malformed`).

    Args:
        name: of the scorer, or one that it serves.

    Raises:
        ConfigError: there is no such scorer.
        DataError: a line cannot be scored; names file and line.
    """
    scorer: Scorer = plugins.make(SCORERS, SERVED_BY.get(name, name), "--scorer")
    for where, record in _records(source):
        try:
            scored = official(scorer, _sample(record), _read(record["pred"]))
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        yield {**record, **scored}


def official(scorer: Scorer, sample: Sample, reply: Any) -> dict[str, Any]:
    """Return score and malformed: the value of the benchmark's function, and 0 where it raises or is not a number."""
    try:
        value = scorer.value(sample, reply)
    except CRASHES:
        return {"score": 0.0, "malformed": True}
    if isinstance(value, float) and isnan(value):
        return {"score": 0.0, "malformed": True}
    return {"score": value, "malformed": False}


def _records(source: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield place and content of the lines of a file, or of the rows of a score step's items."""
    if source.suffix == ".parquet":
        for row in read_items(source):
            yield f"{source}: {row['sample']}", row
        return
    with source.open("rb") as file:
        for number, line in enumerate(file, 1):
            where = f"{source}:{number}"
            yield where, _record(line, where)


def _record(line: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where}: {error}; write one JSON object a line") from error
    if not isinstance(record, dict):
        raise DataError(f"{where}: {record!r}; write a JSON object with gold, pred and answer_format")
    missing = [key for key in ("gold", "pred", "answer_format") if key not in record]
    if missing:
        raise DataError(f"{where}: no {missing[0]!r}; give gold, pred and answer_format")
    return record


def _sample(record: dict[str, Any]) -> Sample:
    """Build the sample of a line; its other fields are facts."""
    question, begun = str(record.get("question", "")), record.get("begun")
    return Sample(
        id="",
        benchmark="",
        task="",
        length="",
        cluster="",
        prompt=(Message("user", (Text(question),)), *([Message("assistant", (Text(begun),))] if begun else [])),
        gold=Gold(_read(record["gold"]), str(record["answer_format"])),
        facts={key: value for key, value in record.items() if isinstance(value, str | int | float)},
    )


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(item) for item in value]
    return nan if value == NAN else value

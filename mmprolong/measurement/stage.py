"""The measurement stage: exact tokens of each conversation from page boxes alone; nothing is drawn."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mmprolong.conversations import image_count
from mmprolong.errors import DataError, FeasibilityError
from mmprolong.images.sources import open_images
from mmprolong.models.backbone import TokenCounter, find
from mmprolong.records import Example, Measured, Reject
from mmprolong.runtime import parts as parts_of_step
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import MeasurementSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.parquet import join_parquet, write_parquet

_FEWEST = 10_000
"""Examples of a part, where there are as many."""
_SUMMED = ("tokens", "supervised", "images")


def parts(settings: MeasurementSettings, work: Work) -> int:
    """Return the number of parts: each has a stretch of the examples."""
    return parts_of_step.part_count(len(_line_starts(work)) - 1, _FEWEST)


def run_part(settings: MeasurementSettings, work: Work, part: int) -> None:
    """Count the tokens of the examples of one part; one with an image that the backbone cannot take is a Reject.

    Raises:
        Interrupted: the step was asked to stop.
    """
    starts, count = _line_starts(work), parts(settings, work)
    first, end = ((len(starts) - 1) * each // count for each in (part, part + 1))
    examples = read_jsonl(_file(work), Example, first=first, begin=int(starts[first]), lines=end - first)
    rejects: list[Reject] = []
    write_parquet(_rows(work, part), _measured(settings, work, examples, rejects), Measured)
    parts_of_step.write_part(work, part, rejects)


def join(settings: MeasurementSettings, work: Work) -> dict[str, Any]:
    """Write measured.parquet and rejects.jsonl; returns the counts.

    Raises:
        FeasibilityError: no example can be measured.
    """
    count, reasons = parts(settings, work), Counter[str]()

    def refused() -> Iterator[Reject]:
        for reject in parts_of_step.rejects(work, count):
            reasons[reject.reason] += 1
            yield reject

    file = work.out / "measured.parquet"
    written = join_parquet(file, (_rows(work, part) for part in range(count)), Measured)
    write_jsonl(work.out / "rejects.jsonl", refused())
    if not written:
        first = next((f"; {one.what}: {one.detail}" for one in parts_of_step.rejects(work, count)), "")
        found = f"none of {reasons.total()} examples can be read: {reasons.most_common(3)}"
        raise FeasibilityError(f"measurement: {found}{first}")
    tasks = _sums_by_task(file)
    totals = {name: sum(row[name] for row in tasks.values()) for name in (*_SUMMED, "conversations")}
    return {**totals, "tasks": tasks, "rejects": dict(reasons)}


def _sums_by_task(file: Path) -> dict[str, dict[str, int]]:
    from pyarrow.parquet import read_table

    wanted = [*((name, "sum") for name in _SUMMED), ([], "count_all")]
    rows = read_table(file, columns=["task", *_SUMMED]).group_by("task").aggregate(wanted).sort_by("task").to_pylist()
    return {
        row["task"]: {**{name: row[f"{name}_sum"] for name in _SUMMED}, "conversations": row["count_all"]}
        for row in rows
    }


def _rows(work: Work, part: int) -> Path:
    return parts_of_step.file_beside(work, part, ".parquet")


def _file(work: Work) -> Path:
    return work.inputs["synthesis"] / "examples.jsonl"


def _line_starts(work: Work) -> np.ndarray:
    status = _file(work).stat()
    return _starts(_file(work), status.st_size, status.st_mtime_ns)


@lru_cache(1)
def _starts(path: Path, size: int, mtime_ns: int) -> np.ndarray:
    """Return the first byte of each line of a file and its end, int64 (lines + 1,), found once for all parts."""
    with path.open("rb") as file:
        return np.cumsum(np.fromiter(chain([0], map(len, file)), np.int64))


def _measured(
    settings: MeasurementSettings, work: Work, examples: Iterable[Example], rejects: list[Reject]
) -> Iterator[Measured]:
    """Yield the lengths of what can be counted; the rest is added to the rejects."""
    backbone = find(settings.backbone, settings.model_path)
    counter = TokenCounter(backbone, open_images(settings.view, settings.corpus, work.inputs), settings.view)
    for example in examples:
        work.log.stop_if_asked()
        try:
            found = {name: counter.count(conversation) for name, conversation in example.conversations.items()}
        except DataError as error:
            rejects.append(Reject(what=example.id, reason="image not readable", detail=str(error)))
            continue
        for name, (tokens, supervised) in found.items():
            yield Measured(
                example=example.id,
                conversation=name,
                task=example.task,
                cluster=example.cluster,
                length=example.length,
                tokens=tokens,
                supervised=supervised,
                images=image_count(example.conversations[name]),
            )

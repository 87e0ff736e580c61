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
from mmprolong.store.parquet import write_parquet

_FEWEST = 10_000
"""Examples of a part, where there are as many."""
_NUMBERS = ("tokens", "supervised", "images", "conversations")


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
    stretch = {"first": first, "begin": int(starts[first]), "lines": end - first}
    parts_of_step.write_part(work, part, _measured(settings, work, read_jsonl(_file(work), Example, **stretch)))


def join(settings: MeasurementSettings, work: Work) -> dict[str, Any]:
    """Write measured.parquet and rejects.jsonl; returns the counts.

    Raises:
        FeasibilityError: no example can be measured.
    """
    count, reasons = parts(settings, work), Counter[str]()
    tasks: dict[str, dict[str, int]] = {}

    def counted() -> Iterator[Measured]:
        for row in parts_of_step.results(work, count, Measured):
            of_task = tasks.get(row.task)
            if of_task is None:
                of_task = tasks[row.task] = dict.fromkeys(_NUMBERS, 0)
            of_task["tokens"] += row.tokens
            of_task["supervised"] += row.supervised
            of_task["images"] += row.images
            of_task["conversations"] += 1
            yield row

    def refused() -> Iterator[Reject]:
        for reject in parts_of_step.rejects(work, count):
            reasons[reject.reason] += 1
            yield reject

    written = write_parquet(work.out / "measured.parquet", counted(), Measured)
    write_jsonl(work.out / "rejects.jsonl", refused())
    if not written:
        first = next((f"; {one.what}: {one.detail}" for one in parts_of_step.rejects(work, count)), "")
        found = f"none of {reasons.total()} examples can be read: {reasons.most_common(3)}"
        raise FeasibilityError(f"measurement: {found}{first}")
    totals = {name: sum(row[name] for row in tasks.values()) for name in _NUMBERS}
    return {**totals, "tasks": dict(sorted(tasks.items())), "rejects": dict(reasons)}


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


def _measured(settings: MeasurementSettings, work: Work, examples: Iterable[Example]) -> Iterator[Measured | Reject]:
    backbone = find(settings.backbone, settings.model_path)
    counter = TokenCounter(backbone, open_images(settings.view, settings.corpus, work.inputs), settings.view)
    for example in examples:
        try:
            found = {name: counter.count(conversation) for name, conversation in example.conversations.items()}
        except DataError as error:
            yield Reject(what=example.id, reason="image not readable", detail=str(error))
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

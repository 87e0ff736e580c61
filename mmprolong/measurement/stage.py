"""The measurement stage: exact tokens of each conversation from page boxes alone; nothing is drawn."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmprolong.conversations import image_count
from mmprolong.errors import DataError, FeasibilityError
from mmprolong.images.sources import open_images
from mmprolong.models.backbone import TokenCounter, find
from mmprolong.records import Example, Measured, Reject
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import MeasurementSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.parquet import write_parquet

_REPORTED = 1000
"""Examples between two looks at whether to stop."""


def run(settings: MeasurementSettings, work: Work) -> dict[str, Any]:
    """Write measured.parquet and rejects.jsonl; returns the counts.

    An example with an image that the backbone cannot take is a Reject.

    Raises:
        FeasibilityError: no example can be measured.
        Interrupted: the step was asked to stop.
    """
    rejects: list[Reject] = []
    totals: Counter[str] = Counter()
    by_task: dict[str, Counter[str]] = {}

    def counted() -> Iterator[Measured]:
        for row in _measured(settings, work, rejects):
            numbers = {"tokens": row.tokens, "supervised": row.supervised, "images": row.images, "conversations": 1}
            totals.update(numbers)
            by_task.setdefault(row.task, Counter()).update(numbers)
            yield row

    written = write_parquet(work.out / "measured.parquet", counted(), Measured)
    write_jsonl(work.out / "rejects.jsonl", rejects)
    reasons = Counter(reject.reason for reject in rejects)
    if not written:
        raise FeasibilityError(f"measurement: none of {len(rejects)} examples can be read: {reasons.most_common(3)}")
    tasks = {task: dict(row) for task, row in sorted(by_task.items())}
    return {**totals, "tasks": tasks, "rejects": dict(reasons)}


def _measured(settings: MeasurementSettings, work: Work, rejects: list[Reject]) -> Iterator[Measured]:
    backbone = find(settings.backbone, settings.model_path)
    counter = TokenCounter(backbone, open_images(settings.view, settings.corpus, work.inputs), settings.view)
    for number, example in enumerate(read_jsonl(work.inputs["synthesis"] / "examples.jsonl", Example)):
        if number % _REPORTED == 0:
            work.log.stop_if_asked()
        rows = []
        try:
            for name, conversation in example.conversations.items():
                tokens, supervised = counter.count(conversation)
                rows.append(
                    Measured(
                        example=example.id,
                        conversation=name,
                        task=example.task,
                        cluster=example.cluster,
                        length=example.length,
                        tokens=tokens,
                        supervised=supervised,
                        images=image_count(conversation),
                    )
                )
        except DataError as error:
            rejects.append(Reject(what=example.id, reason="image not readable", detail=str(error)))
        else:
            yield from rows

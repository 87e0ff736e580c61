"""Our own scores: `scores.jsonl` of a score step."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from mmprolong.records import Reject, Score
from mmprolong.reporting.results.readers import Item, ResultFile


@dataclass(frozen=True)
class OwnScores:
    """The first mark is the score; `also` holds the others, such as `rule` and `judge`."""

    version: ClassVar[int] = 1

    def reads(self, file: ResultFile) -> bool:
        """Tell lines that are scores."""
        return {"sample", "cluster", "value", "target"} <= file.first.keys()

    def items(self, file: ResultFile) -> Iterator[Item | Reject]:
        """Yield the lines."""
        for row in file.lines():
            if isinstance(row, Reject):
                yield row
                continue
            try:
                score = msgspec.convert(row, Score)
            except msgspec.ValidationError as error:
                yield Reject(what=f"{file.path}: {row.get('sample')}", reason="not a score", detail=str(error))
                continue
            yield Item(
                id=score.sample,
                benchmark=score.benchmark,
                task=score.task,
                length=score.length,
                cluster=score.cluster,
                question=str(score.facts.get("question", "")),
                target=score.target,
                marks={"value": score.value, **score.also},
                record=score.facts,
            )

"""lmms-eval: `DATE_samples_TASK.jsonl`, a line an item; marks may be objects that hold a score."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.records import Reject
from mmprolong.reporting.results.readers import Item, ResultFile, cluster_of, mark_of

_NAME = re.compile(r"(?:.*?_)?samples_(.+)")
_OTHER = {"doc_id", "doc", "target", "arguments", "input", "resps", "filtered_resps", "doc_hash", "submission"}
"""Fields that are no metrics."""


@dataclass(frozen=True)
class LmmsEvalSamples:
    """Source: https://github.com/EvolvingLMMs-Lab/lmms-eval/blob/0716c69d/lmms_eval/loggers/evaluation_tracker.py."""

    version: ClassVar[int] = 1

    def reads(self, file: ResultFile) -> bool:
        """Tell samples without a filter."""
        return {"doc_id", "filtered_resps"} <= file.first.keys() and "filter" not in file.first

    def items(self, file: ResultFile) -> Iterator[Item | Reject]:
        """Yield the lines; what identifies a document is looked for in the marks, too, where tasks keep it."""
        found = _NAME.fullmatch(file.path.stem)
        for row in file.lines():
            if isinstance(row, Reject):
                yield row
                continue
            marks = {name: value for name, value in row.items() if name not in _OTHER and mark_of(value) is not None}
            records = [row.get("doc"), *(value for value in marks.values())]
            record = {name: each[name] for each in reversed(records) if isinstance(each, dict) for name in each}
            yield Item(
                id=str(row.get("doc_id")),
                benchmark=found[1] if found else file.path.stem,
                cluster=cluster_of(record),
                question=str(record.get("question", "")),
                target=str(row.get("target", "")),
                marks=marks,
                record=record,
            )

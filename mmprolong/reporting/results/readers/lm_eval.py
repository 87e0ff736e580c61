"""lm-evaluation-harness: `samples_TASK_DATE.jsonl`, a line for each item and filter."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.records import Reject
from mmprolong.reporting.results.readers import Item, ResultFile, cluster_of

_NAME = re.compile(r"samples_(.+?)(?:_\d{4}-\d\d-\d\dT[\d.-]+)?")


@dataclass(frozen=True)
class LmEvalSamples:
    """Source: https://github.com/EleutherAI/lm-evaluation-harness/blob/034ab036/lm_eval/loggers/evaluation_tracker.py."""

    version: ClassVar[int] = 1

    def reads(self, file: ResultFile) -> bool:
        """Tell samples with a filter and a list of metrics."""
        return {"doc_id", "filter", "resps"} <= file.first.keys()

    def items(self, file: ResultFile) -> Iterator[Item | Reject]:
        """Yield the lines; a filter is a task, as it gives marks of its own."""
        found = _NAME.fullmatch(file.path.stem)
        for row in file.lines():
            if isinstance(row, Reject):
                yield row
                continue
            doc = row["doc"] if isinstance(row.get("doc"), dict) else {}
            names = row.get("metrics") or row.keys() - _OTHER
            yield Item(
                id=str(row.get("doc_id")),
                benchmark=found[1] if found else file.path.stem,
                task=str(row.get("filter", "")),
                cluster=cluster_of(doc),
                question=str(doc.get("question", "")),
                target=str(row.get("target", "")),
                marks={name: row.get(name) for name in (names if isinstance(names, list) else sorted(names))},
                record=doc,
            )


_OTHER = {
    "doc_id",
    "doc",
    "target",
    "arguments",
    "resps",
    "filtered_resps",
    "filter",
    "metrics",
    "doc_hash",
    "prompt_hash",
    "target_hash",
}
"""Fields that are no metrics, for files that do not list these."""

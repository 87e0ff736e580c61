"""The official MMLongBench: one JSON file a data set and length, with `args`, `data` and `metrics`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.records import Reject
from mmprolong.reporting.results.readers import Item, ResultFile, cluster_of

_NAME = re.compile(r"(?P<name>.+?)_in(?P<tokens>\d+)_size")


@dataclass(frozen=True)
class MMLongBenchFile:
    """Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/eval.py."""

    version: ClassVar[int] = 1

    def reads(self, file: ResultFile) -> bool:
        """Tell a file with `args`, `data` and `metrics`."""
        return isinstance(file.document, dict) and {"args", "data", "metrics"} <= file.document.keys()

    def items(self, file: ResultFile) -> Iterator[Item | Reject]:
        """Yield the rows; those of needles are named by their depth, too, as an id stands at several."""
        found = _NAME.match(file.path.name)
        task = found["name"] if found else ""
        length = f"{int(found['tokens']) // 1024}K" if found else ""
        rows, metrics = file.document["data"], file.document["metrics"]
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                yield Reject(what=f"{file.path}: data[{number}]", reason="not a row", detail=repr(row)[:80])
                continue
            name = row.get("id", row.get("question_id", number))
            depth = f"@{row['depth']}" if "depth" in row else ""
            yield Item(
                id=f"{name}{depth}",
                benchmark="MMLongBench",
                task=task,
                length=length,
                cluster=cluster_of(row) or str(name),
                question=str(row.get("question", "")),
                target=str(row.get("answer", "")),
                marks=_marks(row, metrics, number, len(rows)),
                record=row,
            )


def _marks(row: dict[str, Any], metrics: Any, number: int, rows: int) -> dict[str, Any]:
    """Return the metrics of a row: its own, else its place in the lists of the file; lengths are none."""
    own = row.get("metrics")
    if not isinstance(own, dict):
        lists = metrics.items() if isinstance(metrics, dict) else ()
        own = {name: each[number] for name, each in lists if isinstance(each, list) and len(each) == rows}
    return {name: value for name, value in own.items() if not name.endswith("_len")}

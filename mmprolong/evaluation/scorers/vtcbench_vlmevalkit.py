"""VTCBench as VLMEvalKit scores it: case counts, thoughts are read, and Retrieval needs only one of the answers."""

import ast
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from mmprolong.evaluation.scorers import by_rule
from mmprolong.evaluation.scorers.vtcbench import METRICS, compare
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_METRIC_OF = {"Retrieval": "contains", "Reasoning": "contains_all", "Memory": "ROUGE-L"}


@dataclass(frozen=True)
class VTCBenchVLMEvalKit:
    """The gold's format is a category, with golds as Python writes them, or a metric, with a list of golds.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/utils/vtcbench.py
    (process_vtc_line, calc_vtc_metrics).
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the metric of the category."""
        kind, golds = sample.gold.format, sample.gold.answer
        if kind not in METRICS:
            golds = _read(golds)
            assert kind in _METRIC_OF, f"category {kind!r}"
        assert golds is not None and len(golds), "no gold answer"
        return compare(_METRIC_OF.get(kind, kind), str(reply).strip(), [str(gold).strip() for gold in golds])

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the metric of the sample's task; for Memory ROUGE-L, as officially where no judge answers."""
        gold = msgspec.structs.replace(sample.gold, format=_METRIC_OF.get(sample.task, sample.gold.format))
        return by_rule(self.value, msgspec.structs.replace(sample, gold=gold), reply)


def _read(gold: Any) -> list[Any]:
    """Read a list as Python writes it; anything else is the only answer.

    Raises:
        TypeError: it is a list already, which the official code cannot read.
    """
    if isinstance(gold, list):
        raise TypeError("a list where its text is expected")
    try:
        found = ast.literal_eval(gold)
    except (SyntaxError, TypeError, ValueError):
        return [gold]
    return found if isinstance(found, list) else [gold]

"""OCRBench's rule: one of the gold answers stands in the reply."""

import ast
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import by_rule
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_FORMULAS = "Handwritten Mathematical Expression Recognition"


@dataclass(frozen=True)
class OcrBench:
    """Gold answers are a list as Python writes it; the category is the gold's format.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_vqa.py (OCRBench.evaluate).
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return 1 or 0; spaces do not count in formulas, case not elsewhere."""
        golds = ast.literal_eval(sample.gold.answer)
        plain = _without_spaces if sample.gold.format == _FORMULAS else _lower
        response = plain(str(reply))
        return float(any(plain(golds[number]) in response for number in range(len(golds))))

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule."""
        return by_rule(self.value, sample, reply)


def _without_spaces(text: str) -> str:
    return text.strip().replace("\n", " ").replace(" ", "")


def _lower(text: str) -> str:
    return text.lower().strip().replace("\n", " ")

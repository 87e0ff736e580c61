"""VTCBench's rules: gold answers that stand in the reply, ROUGE-L, or a judge for questions on memory."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from mmprolong.errors import DataError, nearest
from mmprolong.evaluation.scorers import by_rule, fact, text_request
from mmprolong.evaluation.scorers._judge_prompts import RIGHT_WRONG_OR_INVALID
from mmprolong.evaluation.scorers._rouge import rouge_l
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

METRICS = ("EM", "contains", "contains_all", "lastline_EM", "lastline_contains", "ROUGE-L")
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
VERDICTS = {"A": "right", "B": "wrong", "C": "invalid"}


@dataclass(frozen=True)
class VTCBench:
    """The gold's format names the metric; case does not count, and what stands between think tags is not read.

    Source: https://github.com/Moenupa/VTCBench/blob/2da59fda/src/vtcbench/metric.py (calc_metrics),
    examples/llm_judge.py.
    """

    version: ClassVar[int] = 1
    judged: bool = False
    """A language model judges replies that are marked by ROUGE-L, as for VTCBench-Wild's Memory."""

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the metric."""
        golds = [str(gold).strip().lower() for gold in _some(sample.gold.answer)]
        return compare(sample.gold.format, _THOUGHT.sub("", reply).strip().lower(), golds)

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule; where a judge is asked, ROUGE-L is kept beside its mark as `rule`.

        A verdict that is no letter is asked for once more; then the mark is 0 with the reason `unparsed`.
        """
        ruled = yield from by_rule(self.value, sample, reply)
        if not self.judged or sample.gold.format != "ROUGE-L":
            return ruled
        answer = reply.rpartition("</think>")[2].strip()
        gold = ", ".join(map(str, sample.gold.answer))
        prompt = RIGHT_WRONG_OR_INVALID.format(question=fact(sample, "question"), gold=gold, answer=answer)
        judged = yield text_request(prompt)
        if judged.text.strip(" .\n") not in VERDICTS:
            judged = yield msgspec.structs.replace(text_request(prompt), draw=1)
        reason = VERDICTS.get(judged.text.strip(" .\n"), "unparsed")
        value = float(reason == "right")
        return replace(ruled, value=value, parsed=answer, also={"rule": ruled.value}, judge=judged.model, reason=reason)


def compare(metric: str, response: str, golds: Sequence[str]) -> float:
    """Return a metric of a reply against gold answers, in [0, 1].

    Raises:
        DataError: there is no such metric.
    """
    last = response.split("\n")[-1]
    if metric in ("EM", "lastline_EM"):
        return float((response if metric == "EM" else last) in golds)
    if metric in ("contains", "lastline_contains"):
        return float(any(gold in (response if metric == "contains" else last) for gold in golds))
    if metric == "contains_all":
        return sum(gold in response for gold in golds) / len(golds)
    if metric == "ROUGE-L":
        return max(rouge_l(gold, response).f1 for gold in golds)
    raise DataError(f"answer_format: {metric!r} has no rule; {nearest(metric, METRICS)}")


def _some(golds: Sequence[Any]) -> Sequence[Any]:
    assert golds, "no gold answer"
    return golds

"""MMLongBench v1.1's documentQA score: a language model says whether a reply is right, or how much of a list it has."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import UNPARSED, ask_judge, fact, mark
from mmprolong.evaluation.scorers._judge_prompts import COUNT_OF_LIST, RIGHT_OR_WRONG
from mmprolong.evaluation.scorers.mmlongbench_docqa_rule import agreement, answer_in
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_SCORE = re.compile(r"\[Score\]:\s*(\d+)\s*points?")
_SHOWN = 200
"""Letters of a reply without a verdict that are kept."""
_RATIONALE = re.compile(r"\[(?:Scoring )?Rationale\]:(.*?)(?=\[Score\]:|\[JSON\]:|\Z)", re.DOTALL)


@dataclass(frozen=True)
class DocQAJudge:
    """The papers' score of documentQA; the rule's is kept beside it as `rule`.

    A reply without a verdict, which officially is a 0, is asked for once more and then counted as unparsed.

    The official judge may write 256 tokens at the server's own temperature; ours is drawn as its settings say.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/utils.py (eval_docqa_score_with_llm_judge,
    eval_docqa_list_score_with_llm_judge).
    """

    version: ClassVar[int] = 2

    def value(self, sample: Sample, reply: Any) -> Any:
        """Return the score that a stored verdict (`judge_reply`) stands for."""
        return verdict(fact(sample, "judge_reply"), sample.gold.answer, sample.gold.format)

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Ask the judge, a second time if it gives no verdict."""
        answer, gold = answer_in(sample, reply), sample.gold
        rubric = COUNT_OF_LIST if gold.format == "List" else RIGHT_OR_WRONG
        prompt = rubric.format(question=fact(sample, "question"), gold=gold.answer, answer=answer)
        judged, said = yield from ask_judge(prompt, lambda text: text if has_verdict(text, gold.format) else None)
        made = mark(lambda: verdict(judged.text, gold.answer, gold.format), answer)
        if said is None:
            made = Mark(value=0.0, parsed=answer, unparsed=True, reason=f"{UNPARSED}: {judged.text[:_SHOWN]}")
        by_rule = mark(lambda: agreement(gold.answer, answer, gold.format), answer)
        reasons = _RATIONALE.search(judged.text)
        reason = made.reason or (reasons[1].strip() if reasons else "")
        return replace(made, also={"rule": by_rule.value}, judge=judged.model, reason=reason)


def verdict(reply: str, gold: Any, kind: str) -> Any:
    """Return the score that a judge's reply stands for: F1 of the counted items of a list, else the points it gives.

    Points are taken as they stand, whatever they are; without any the score is 0.
    """
    if kind == "List":
        return _list_f1(_json_of(reply, "student_answer_count", "covered_count"), gold)
    found = _SCORE.search(reply)
    return int(found[1]) if found else _json_of(reply, "answer_score").get("answer_score", 0.0)


def has_verdict(reply: str, kind: str) -> bool:
    """Tell whether a judge's reply holds points, or both counts of a list."""
    keys = ("student_answer_count", "covered_count") if kind == "List" else ("answer_score",)
    found = _json_of(reply, *keys)
    counted = all(isinstance(found.get(key), int | float) for key in keys)
    return counted or (kind != "List" and _SCORE.search(reply) is not None)


def _list_f1(counts: dict[str, Any], gold: Any) -> float:
    if not {"student_answer_count", "covered_count"} <= counts.keys() or not counts["covered_count"] > 0:
        return 0.0
    recall = counts["covered_count"] / len(json.loads(gold))
    precision = counts["covered_count"] / counts["student_answer_count"]
    return max(min(2 * recall * precision / (recall + precision), 1.0), 0.0)


def _json_of(reply: str, *keys: str) -> dict[str, Any]:
    """Return the object behind '[JSON]:'; where it cannot be read, the numbers that stand behind `keys` anywhere."""
    begins = re.search(r"\[JSON\]:.*?(\{)", reply, re.DOTALL)
    if begins:
        with suppress(ValueError, RecursionError):
            return json.JSONDecoder().raw_decode(reply, begins.start(1))[0]
    found = {key: re.search(rf'"{key}"\s*:\s*(-?\d+(?:\.\d+)?)', reply) for key in keys}
    return {key: float(match[1]) for key, match in found.items() if match}

"""MLVU's score of free answers: a language model gives two marks from 1 to 5."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import UNPARSED, ask_judge, fact
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_MOST = 10
_KEYS = {"subPlot": ("score_accuracy", "score_relevance"), "summary": ("score_completeness", "score_reliability")}
"""Marks of each kind of task, as the official judge names them."""
_SCENE = """You grade how a respondent describes a scene of a film, by two marks from 1 to 5.

Accuracy: give each scoring point 1 (the answer misses it), 3 (it mentions something of it that is not quite right) or \
5 (it says it rightly); the mark is the mean over the points.
Relevance, whether the answer is right or not: 1, it is off the question; 2, it is partly on it, with much beside it; \
3, it is mainly on it, but unsure of itself; 4, it is mostly on it and confident; 5, it is wholly on it, with nothing \
beside it, and certain.

First give your reasons for each mark. End with the marks as JSON: {{"score_accuracy": x, "score_relevance": y, \
"total_score": x + y}}

Question: {question}
Scoring points: {points}
Respondent's answer: {answer}
"""
_SUMMARY = """You grade how a respondent summarises a film, against a standard answer, by two whole marks from 1 to 5.

Completeness, of the main content and key points: 1, hardly any is there; 2, some, and many are missing; 3, most; \
4, nearly all; 5, all.
Reliability, whether what is said is right and clear; what the standard answer does not have costs nothing if it is \
reasonable and contradicts nothing: 1, several errors and contradictions, confusing; 2, some of both, could be \
clearer; 3, mostly right with small errors, fairly clear; 4, hardly an inaccuracy, no contradiction, clear; 5, no \
error at all, easy to understand.

First give your reasons for each mark. End with the marks as JSON: {{"score_completeness": x, "score_reliability": y, \
"total_score": x + y}}

Standard answer: {gold}
Respondent's answer: {answer}
"""


@dataclass(frozen=True)
class MLVUJudge:
    """The sum of two marks, as a share of 10; both stand beside it as they are.

    The official judge is gpt-4-turbo at temperature 0. Officially a verdict without marks counts 0; here it is asked
    for once more and then counted as unparsed.

    Source: https://github.com/JUNJIE99/MLVU/tree/fd060c10/evaluation/generation_evaluation (evaluate_ssc.py,
    evaluate_summary.py, calculate.py, calculate_sum.py); the prompts are ours.
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the share that a stored verdict (`judge_reply`) stands for; a mark that it does not name counts 0."""
        return sum(official_marks(fact(sample, "judge_reply"), _KEYS[sample.gold.format]).values()) / _MOST

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Ask the judge, a second time if it does not give both marks."""
        keys, answer = _KEYS[sample.gold.format], reply.strip()
        if sample.gold.format == "summary":
            prompt = _SUMMARY.format(gold=sample.gold.answer, answer=answer)
        else:
            prompt = _SCENE.format(
                question=fact(sample, "question"), points=fact(sample, "scoring_points"), answer=answer
            )
        judged, marks = yield from ask_judge(prompt, lambda text: _both(text, keys))
        if marks is None:
            return Mark(value=0.0, parsed=answer, unparsed=True, judge=judged.model, reason=UNPARSED)
        beside = {key.removeprefix("score_"): mark for key, mark in marks.items()}
        return Mark(value=sum(marks.values()) / _MOST, parsed=answer, also=beside, judge=judged.model)


def official_marks(verdict: str, keys: tuple[str, str]) -> dict[str, float]:
    """Return the marks that a verdict names, read as the official code does: from two letters behind the colon that
    follows the first mention of a key, to the next comma.

    Raises:
        ValueError: there is no number.
    """
    found: dict[str, float] = {}
    for key in keys:
        if key in verdict:
            behind = verdict[verdict.index(key) :]
            begin = behind.find(":") + 2
            found[key] = float(behind[begin : behind.find(",", begin)])
    return found


def _both(verdict: str, keys: tuple[str, str]) -> dict[str, float] | None:
    """Return both marks, where they stand last; None if one is missing or none from 1 to 5."""
    found = {key: re.findall(rf"{key}\W*?(\d+(?:\.\d+)?)", verdict) for key in keys}
    marks = {key: float(numbers[-1]) for key, numbers in found.items() if numbers}
    return marks if len(marks) == len(keys) and all(1 <= mark <= 5 for mark in marks.values()) else None

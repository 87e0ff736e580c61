"""SlideVQA's rule: words of the answer after a normalisation of its own, and pages of the evidence."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import punctuation
from typing import Any, ClassVar, NamedTuple

from mmprolong.errors import DataError, nearest
from mmprolong.evaluation.scorers import by_rule
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_NUMBERS = {word: str(number) for number, word in enumerate(f"{_ONES} seventeen eighteen nineteen".split())}
_SPELLING = (
    ("this is ", ""),
    ("it is ", ""),
    ("&", ","),
    ("and", ","),
    ("percent", ""),
    ("organisation", "organization"),
    ("because of", ""),
    ("because", ""),
    ("due to", ""),
    ("hours", "hrs"),
    ("minites", "min"),
)
"""Replaced everywhere, inside of words too, in this order."""
_NO_PUNCTUATION = str.maketrans("", "", punctuation)


class _Overlap(NamedTuple):
    """Items that a response and a gold answer have in common."""

    precision: float
    recall: float
    exact: bool

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def and_also(self, other: "_Overlap") -> "_Overlap":
        """Return the joint overlap of two."""
        exact = self.exact and other.exact
        return _Overlap(self.precision * other.precision, self.recall * other.recall, exact)


@dataclass(frozen=True)
class SlideVQA:
    """F1 and exact match of the answer (QA), of the evidence pages (ES) and of both together (Main).

    Source: https://github.com/nttmdlab-nlp/SlideVQA/blob/e1f0bd99/evaluate.py (normalize_answer, evaluate_f1_em_qa,
    evaluate_f1_em_es, evaluate_f1_em_main).
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> Any:
        """Return the metric that the gold's format names (F1, EM, ES-F1, ...), or the normalised reply."""
        kind = sample.gold.format
        if kind == "normalize":
            return _normal(reply, _question(sample))
        part, _, metric = kind.rpartition("-")
        if metric not in ("F1", "EM") or part not in _PARTS:
            allowed = ["normalize", *(f"{part}-{metric}".lstrip("-") for part in _PARTS for metric in ("F1", "EM"))]
            raise DataError(f"answer_format: {kind!r} has no rule; {nearest(kind, allowed)}")
        overlap = _PARTS[part](sample, reply)
        return float(overlap.exact) if metric == "EM" else overlap.f1

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the F1 of the answer; its exact match is kept beside it as `exact_match`."""
        marked = yield from by_rule(lambda question, text: _answer(question, text).f1, sample, reply)
        exact = yield from by_rule(lambda question, text: float(_answer(question, text).exact), sample, reply)
        return replace(marked, also={"exact_match": exact.value})


def _question(sample: Sample) -> str:
    return str(sample.facts.get("question", ""))


def _answer(sample: Sample, reply: Any) -> _Overlap:
    question = _question(sample)
    return _overlap(_normal(reply, question).split(), _normal(sample.gold.answer, question).split())


def _evidence(sample: Sample, reply: Any) -> _Overlap:
    return _overlap(reply, sample.gold.answer)


def _both(sample: Sample, reply: Any) -> _Overlap:
    question, gold = _question(sample), sample.gold.answer
    answers = (_normal(each["answer"], question).split() for each in (reply, gold))
    return _overlap(*answers).and_also(_overlap(reply["evidence_pages"], gold["evidence_pages"]))


_PARTS = {"": _answer, "QA": _answer, "ES": _evidence, "Main": _both}


def _overlap(response: Sequence[Any], gold: Sequence[Any]) -> _Overlap:
    """Compare items as multisets; without any in common nothing is exact, not even two empty lists."""
    common = (Counter(response) & Counter(gold)).total()
    if not common:
        return _Overlap(0.0, 0.0, False)
    return _Overlap(common / len(response), common / len(gold), response == gold)


def _normal(text: str, question: str) -> str:
    """Return an answer as it is compared.

    The word behind 'how many' and behind 'which' in the question counts as a unit and goes, inside of words too.
    An answer that begins with 'yes' or 'no', or a word that does, is its first word.
    """
    text = text.lower()
    for old, new in _SPELLING:
        text = text.replace(old, new)
    for asked in ("how many", "which"):
        _, found, behind = question.partition(asked)
        if found:
            text = text.replace(behind.split()[0], "")
    text = re.sub(r"\b(?:an?|the)\b", " ", text.translate(_NO_PUNCTUATION))
    words = text.split()[:1] if text.startswith(("yes", "no")) else text.split()
    return " ".join(_NUMBERS.get(word, word) for word in words)

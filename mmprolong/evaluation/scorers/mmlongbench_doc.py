"""MMLongBench-Doc's rule on extracted answers: numbers by value, text by edit distance, lists by their worst item."""

import ast
import re
import warnings
from dataclasses import dataclass, replace
from math import isclose
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import ask_judge, by_rule, fact
from mmprolong.evaluation.scorers._edit_distance import anls
from mmprolong.evaluation.scorers._judge_prompts import EXTRACTION
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_EXTRACTED = "Extracted answer:"
VERBATIM = re.compile(
    r"https://"
    r"|(?:\.py|ipynb)\Z"
    r"|\Apage"
    r"|\A\d+(?:[-\s]\d+)?\Z"  # a number, a telephone number, a year and its month
    r"|[ap]\.m\."
    r"|\A\d{4}[-\s]\d{2}[-\s]\d{2}\Z"
    r"|\A[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}\Z"
)
"""Cleaned golds that an answer must equal."""


@dataclass(frozen=True)
class MMLongBenchDocRule:
    """The rule, on the reply as it stands or on the short answer that a language model extracts from it.

    Source: https://github.com/mayubo2333/MMLongBench-Doc/blob/d73f0dc0/eval/eval_score.py (eval_score).
    """

    version: ClassVar[int] = 1
    extraction: bool = False
    """The official pipeline has GPT-4o extract an answer from every reply; without, the reply is the answer."""

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the agreement of an extracted answer with the gold answer, in [0, 1]."""
        gold, kind = sample.gold.answer, sample.gold.format
        if kind == "Int":
            return float(_same_whole(gold, reply))
        if kind == "Float":
            return float(_same_fraction(gold, reply))
        if kind in ("Str", "None"):
            gold, response = _cleaned(gold), _cleaned(reply)
            return float(gold == response) if VERBATIM.search(gold) else anls(response, gold)
        return _same_list(as_list(gold), as_list(reply))

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark an answer by the rule; asks where it is to be extracted, a second time if nothing was."""
        if not self.extraction:
            return (yield from by_rule(self.value, sample, reply))
        prompt = EXTRACTION.format(question=fact(sample, "question"), reply=reply)
        answer, found = yield from ask_judge(prompt, lambda text: text if _EXTRACTED in text else None)
        made = yield from by_rule(self.value, sample, extracted(answer.text))
        return replace(made, judge=answer.model, unparsed=found is None)


def extracted(reply: str) -> str:
    """Return the answer in 'Extracted answer: ... Answer format: ...', or 'Failed to extract'."""
    parts = reply.split("Answer format:")[0].split(_EXTRACTED)
    return parts[1].strip() if len(parts) > 1 else "Failed to extract"


def _same_whole(gold: Any, response: Any) -> bool:
    try:
        return int(gold) == int(float(response))
    except (TypeError, ValueError, OverflowError):
        return gold == ""


def _same_fraction(gold: Any, response: Any) -> bool:
    """Compare within 1 %, or rounded to the fewer decimals of both, at least 2; percents and shares are the same."""
    try:
        wanted = float(_cleaned(gold))
    except ValueError:
        float(str(gold).strip().rstrip("%").strip())  # raises, as it does officially
        return False
    try:
        number = float(_cleaned(response))
    except ValueError:
        return False
    return any(_close(form, number) for form in (wanted / 100, wanted, wanted * 100))


def _close(wanted: float, number: float) -> bool:
    decimals = max(min(_decimals(wanted), _decimals(number)), 2)
    return isclose(wanted, number, rel_tol=0.01) or round(wanted, decimals) == round(number, decimals)


def _decimals(number: float) -> int:
    _, point, after = str(number).partition(".")
    return len(after) if point else 3


def _same_list(gold: list[Any], response: list[Any]) -> float:
    if len(gold) != len(response):
        return 0.0
    pairs = list(zip(sorted(map(_cleaned, gold)), sorted(map(_cleaned, response)), strict=True))
    first = pairs[0][0]
    if is_number(first) or VERBATIM.search(first):
        return float("-".join(item for item, _ in pairs) == "-".join(item for _, item in pairs))
    return min(anls(answer, item) for item, answer in pairs)


def as_list(answer: Any) -> list[Any]:
    """Read a list as Python writes it; anything else is a list of one.

    Raises:
        SyntaxError, ValueError: it begins like a list and is none.
    """
    if isinstance(answer, str) and answer.startswith("["):
        with warnings.catch_warnings(action="ignore"):  # of backslashes that escape nothing
            answer = ast.literal_eval(answer)
    return answer if isinstance(answer, list) else [answer]


def is_number(text: str) -> bool:
    """Tell whether Python reads a float."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _cleaned(answer: Any) -> str:
    """Return `answer` in lower case without parentheses, outer quotes, and the signs of dollars and percents."""
    text = re.sub(r"\s*\([^)]*\)", "", str(answer).lower().strip()).strip()
    text = re.sub(r"\A['\"]|['\"]\Z", "", text).strip()
    return text.lstrip("$").strip().rstrip("%").strip()

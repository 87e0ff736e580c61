"""LongDocURL's rule on extracted answers: numbers by value, text by edit distance, lists by each item's best match."""

import ast
import re
import warnings
from dataclasses import dataclass, replace
from math import isclose, sqrt
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import by_rule, fact, mark, text_request
from mmprolong.evaluation.scorers._edit_distance import anls
from mmprolong.evaluation.scorers.mmlongbench_doc import VERBATIM, as_list, is_number
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

NO_ANSWER = "Fail to extract"
_EXTRACTION = """You are given a question about a document and an analysis that answers it. Extract the short answer.

An answer is an Integer, a Float, a String or a List (as in Python: ['a', 'b']). If the analysis says that the \
document does not answer the question, the answer is: Not answerable. If it says only that it could not read the \
document or its images, the answer is: Fail to answer. Leave out of the answer what lies outside of the pages that the \
question names.

Reply with nothing but these two lines:
Extracted answer: <concise_answer>[answer]</concise_answer>
Answer format: <answer_format>[Integer, Float, String or List]</answer_format>

Question: {question}
Analysis: {reply}
"""
_UNITS = ("kg", "meters", "acres", "minutes", "miles", "mile", "feet", "million", "thousand", "billion", "mm", "m")


@dataclass(frozen=True)
class LongDocUrl:
    """The rule, on the reply as it stands or on the short answer that a language model extracts from it.

    Source: https://github.com/dengc2023/LongDocURL/blob/3807c0e5/utils/utils_score_v3.py (eval_score).
    """

    version: ClassVar[int] = 1
    extraction: bool = False
    """Officially a language model extracts an answer from every reply; without, the reply is the answer."""

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the agreement of an extracted answer with the gold answer, in [0, 1]."""
        gold, kind = sample.gold.answer, sample.gold.format
        if kind == "Integer":
            return float(_same_whole(gold, reply))
        if kind == "Float":
            return float(_same_fraction(gold, reply))
        if kind in ("String", "None"):
            return _same_text(_cleaned(gold), _cleaned(reply))
        return _same_list(as_list(gold), as_list(reply))

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark an answer by the rule; asks once where it is to be extracted."""
        if not self.extraction:
            return (yield from by_rule(self.value, sample, reply))
        said = yield text_request(_EXTRACTION.format(question=fact(sample, "question"), reply=reply))
        answer = extracted(said.text)
        made = mark(lambda: 0.0 if answer == NO_ANSWER else self.value(sample, answer), str(answer))
        return replace(made, judge=said.model)


def extracted(reply: str) -> Any:
    """Return the answer between `<concise_answer>` marks as Python reads it, else as text, else 'Fail to extract'."""
    found = re.search(r"<concise_answer>(.*?)</concise_answer>", reply, re.DOTALL)
    if found is None:
        return NO_ANSWER
    try:
        with warnings.catch_warnings(action="ignore"):  # of backslashes that escape nothing
            answer = ast.literal_eval(found[1])
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return found[1]
    return list(answer) if isinstance(answer, set) else answer


def _same_whole(gold: Any, response: Any) -> bool:
    try:
        return int(_cleaned(gold)) == int(_cleaned(response))
    except ValueError:
        return False


def _same_fraction(gold: Any, response: Any) -> bool:
    wanted = float(_cleaned(gold))
    try:
        number = float(_cleaned(response))
    except ValueError:
        return False
    return any(isclose(form, number, rel_tol=0.01) for form in (wanted / 100, wanted, wanted * 100))


def _same_text(gold: str, response: str) -> float:
    return float(gold == response) if VERBATIM.search(gold) else anls(response, gold)


def _same_list(gold: list[Any], response: list[Any]) -> float:
    """Compare in order where the first gold is a number or must be verbatim; else each gold with its best answer."""
    wanted, answers = [_cleaned(item) for item in gold], [_cleaned(item) for item in response]
    if is_number(wanted[0]) or VERBATIM.search(wanted[0]):
        return float("-".join(wanted) == "-".join(answers))
    if not answers:
        raise IndexError("no answers")
    best = [max(anls(answer, item) for answer in answers) for item in wanted]
    return sum(best) / len(best) * sqrt(min(1, len(wanted) / len(answers)))


def _cleaned(answer: Any) -> str:
    """Return `answer` without commas, units, parentheses, outer quotes and signs.

    With a unit go all letters before it that are in it: 'aluminum' becomes 'alu', as officially.
    """
    text = str(answer).lower().strip().replace(",", "")
    for unit in _UNITS if text.endswith(_UNITS) else ():
        if text.endswith(unit):
            text = text.rstrip(unit).strip()
    if "(" in text:
        text = re.sub(r"\s*\([^)]*\)", "", text).strip()
    text = re.sub(r"\A['\"]|['\"]\Z", "", text).strip()
    return text.lstrip("$").strip().lstrip("£").strip().rstrip("%").strip()

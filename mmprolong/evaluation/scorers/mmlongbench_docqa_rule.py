"""MMLongBench's rule for documentQA: numbers anywhere in the reply, F1 over words, lists item by item."""

import json
import re
from dataclasses import dataclass
from math import isclose, isfinite
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import by_rule
from mmprolong.evaluation.scorers._words import after_prefix, word_f1
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_UNITS = ("kg", "meters", "acres", "minutes", "miles", "mile", "feet", "million", "thousand", "billion", "mm", "m")
"""Cut off a gold number's end, each once and in this order."""
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?|-?\.\d+")
_VERBATIM = re.compile(
    r"https://"
    r"|\.(?:py|ipynb)$"
    r"|^page"
    r"|^\d+(?:[-\s]\d+)?$"  # a number, a telephone number
    r"|[ap]\.m\."
    r"|^\d{4}[-/\s]\d{1,2}(?:[-/\s]\d{1,2})?$"  # year, month and perhaps day
    r"|^\d{1,2}[-/\s]\d{1,2}[-/\s]\d{2,4}$"
    r"|^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$"
)
"""Golds that must stand in the reply letter by letter."""


@dataclass(frozen=True)
class DocQARule:
    """The offline score of documentQA; the papers' is the judge's.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/utils.py (eval_docqa_score) on what data.py
    (docqa_post_process) leaves of the reply: the text behind 'Answer:'.
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the share of the gold answer that the reply has. A stored reply that names the inner function of the
        official code is scored as it stands.
        """
        whole = "calculate_metrics" in str(sample.facts.get("official_function", ""))
        return agreement(sample.gold.answer, reply if whole else answer_in(sample, reply), sample.gold.format)

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule."""
        return by_rule(self.value, sample, reply)


def answer_in(sample: Sample, reply: str) -> str:
    """Return the answer in a reply that continues the prompt's last turn, if that is the assistant's."""
    last = sample.prompt[-1] if sample.prompt else None
    begun = last.text if last and last.role == "assistant" else ""
    return after_prefix(begun + reply)


def agreement(gold: Any, response: str, kind: str) -> float:
    """Return the agreement of a reply with a gold answer, in [0, 1].

    Args:
        gold: text, or a number inside of a list; a list is JSON.
        kind: String, Integer, Float, List or None.
    """
    if kind == "Integer":
        wanted = _as_number(gold)
        assert int(wanted) == wanted, f"{gold!r} is not whole"
        return float(any(number == wanted for number in _numbers(response)))
    if kind == "Float":
        wanted = _as_number(gold)
        forms = (wanted / 100, wanted, wanted * 100)
        return float(any(isclose(form, number, rel_tol=0.01) for number in _numbers(response) for form in forms))
    if kind in ("String", "None"):
        return float(gold in response) if _VERBATIM.search(gold) else word_f1(response, gold)
    if kind == "List":
        items = _merged(json.loads(gold))
        return sum(agreement(item, response, _kind(item)) for item in items) / len(items)
    raise KeyError(f"answer_format {kind!r}")


def _merged(items: list[Any]) -> list[Any]:
    """Join all items that are compared by their words into one, the first."""
    loose = [isinstance(item, str) and _kind(item) == "String" and not _VERBATIM.search(item) for item in items]
    text = " ".join(item for item, is_loose in zip(items, loose, strict=True) if is_loose).strip()
    return [text, *(item for item, is_loose in zip(items, loose, strict=True) if not is_loose)] if text else items


def _kind(item: Any) -> str:
    assert not isinstance(item, list), "a list inside of a list"
    if isinstance(item, int | float):
        return "Integer" if isinstance(item, int) else "Float"
    try:
        number = _as_number(item)
        return "Integer" if number == int(number) and "%" not in item else "Float"
    except (ValueError, OverflowError):
        return "String"


def _numbers(text: str) -> list[float]:
    """Return all finite numbers in `text`, its commas left out."""
    found = (float(match) for match in _NUMBER.findall(str(text).replace(",", "")))
    return [number for number in found if isfinite(number)]


def _as_number(gold: Any) -> float:
    text = str(gold).lower().replace(",", "").strip()
    for unit in _UNITS:
        text = text.removesuffix(unit).strip()
    text = re.sub(r"^['\"]|['\"]$", "", text).strip()
    for sign in "$£%":
        text = text.strip(sign).strip()
    return float(text)

"""Pages that a reply cites against those that its answer rests on."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from mmprolong.conversations import images_of
from mmprolong.records import Sample, Score

QUARTERS = ("0-25%", "25-50%", "50-75%", "75-100%")
"""Depths of the evidence."""
CITES, PRECISION, RECALL, F1, WRONG_PAGE = "cites", "page_precision", "page_recall", "page_f1", "right_wrong_page"
MARKS = (CITES, PRECISION, RECALL, F1, WRONG_PAGE)
"""Names of these marks in `also`. `cites` is 0 or 1; the others are of replies that cite, the last of right ones."""
RIGHT = 0.5
"""From this mark on an answer counts as right."""
_CITED = re.compile(
    r"\b(?:pages?|pp?\.)\s*(?:\(s\))?[\s:#]*(\d{1,6}(?:(?:\s*(?:-|–|to|,|and|&)\s*)+(?:pages?\s*)?\d{1,6})*)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(\d+)(?:\s*(?:-|–|to)\s*(\d+))?")


def cited_pages(text: str, pages: int) -> set[int]:
    """Return the pages that a reply names ('page 3', 'pp. 4-6 and 9'), from 1, as those of the images shown.

    Args:
        pages: that were shown; the end of a longer range is cut to the page behind them.
    """
    found: set[int] = set()
    for cited in _CITED.finditer(text):
        for first, last in _NUMBER.findall(cited[1]):
            found |= {int(first)} if not last else {*range(int(first), min(int(last), pages + 1) + 1)}
    return found


def evidence_marks(sample: Sample, reply: str, value: float) -> dict[str, float]:
    """Return the marks of a reply's cited pages; none where the question has no evidence pages.

    Args:
        value: mark of the answer.
    """
    wanted = {place + 1 for place in sample.gold.evidence}
    if not wanted:
        return {}
    cited = cited_pages(reply, sum(1 for _ in images_of(sample.prompt)))
    if not cited:
        return {CITES: 0.0}
    precision, recall = len(wanted & cited) / len(cited), len(wanted & cited) / len(wanted)
    f1 = 2 * precision * recall / (precision + recall) if precision else 0.0
    marks = {CITES: 1.0, PRECISION: precision, RECALL: recall, F1: f1}
    return marks | ({WRONG_PAGE: float(not precision)} if value >= RIGHT else {})


def evidence_means(scores: Iterable[Score]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the means of these marks, with `n` questions that have evidence, by length and by depth."""
    having = [score for score in scores if CITES in score.also]
    groups: dict[str, dict[str, list[Score]]] = {"by_length": defaultdict(list), "by_depth": defaultdict(list)}
    for score in having:
        groups["by_length"][score.length].append(score)
        if quarter := quarter_of(score.facts):
            groups["by_depth"][quarter].append(score)
    return {name: {key: _means(each) for key, each in found.items()} for name, found in groups.items() if found}


def quarter_of(facts: Mapping[str, str | float]) -> str:
    """Return the quarter of the images in which the evidence begins; empty where that is not known."""
    return QUARTERS[min(int(float(facts["depth"]) * 4), 3)] if "depth" in facts else ""


def _means(scores: Sequence[Score]) -> dict[str, float]:
    return {"n": len(scores), **dict(_columns(scores))}


def _columns(scores: Sequence[Score]) -> Iterator[tuple[str, float]]:
    for name in MARKS:
        values = [score.also[name] for score in scores if name in score.also]
        if values:
            yield name, fmean(values)

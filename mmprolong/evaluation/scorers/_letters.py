"""Marks of replies that choose an option by its letter."""

from collections.abc import Callable

from mmprolong.evaluation.scorers import by_rule
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

EMPTY = "empty reply"
NO_LETTER = "no letter"


def by_letter(letter: Callable[[], object], sample: Sample, reply: str) -> Flow[Mark]:
    """Mark whether the letter is the gold's.

    A reply without one is wrong and stays in the denominator; `parsed` is then empty and `reason` says why, so that an
    official number which leaves it out can be computed.

    Args:
        letter: gives the letter that the reply chooses; none: empty.
    """
    found = str(letter())
    marked = yield from by_rule(lambda question, _: float(found == question.gold.answer), sample, reply)
    reason = "" if found else NO_LETTER if reply.strip() else EMPTY
    return Mark(value=marked.value, parsed=found, reason=reason)

"""Scorers: plug-ins that mark one reply, each by the rule of its benchmark."""

from collections.abc import Callable
from math import isnan
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec

from mmprolong.conversations import Message, Text
from mmprolong.errors import ConfigError, DataError
from mmprolong.llm.requests import Answer, Flow, Request
from mmprolong.records import Mark, Sample

T = TypeVar("T")
UNPARSED = "unparsed"
"""Reason of a mark whose judge gave no verdict."""
CRASHES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""Errors that official code ends with on answers that it cannot read; then the mark is 0 and counted as malformed."""


class Scorer(Protocol):
    """The rule of one benchmark."""

    version: ClassVar[int]

    def value(self, sample: Sample, reply: Any) -> Any:
        """Return the result of the benchmark's own function: a number, a letter, text or null.

        Args:
            reply: text; in stored replies also a number or a list.

        Raises:
            CRASHES: the official function raises, too.
            DataError: the sample lacks a fact that the rule reads.
        """
        ...

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark a reply; yields a request only where a judge is asked."""
        ...


def by_rule(value: Callable[[Sample, str], Any], sample: Sample, reply: str) -> Flow[Mark]:
    """Mark a reply without a judge: a flow that asks nothing."""
    yield from ()
    return mark(lambda: value(sample, reply), reply.strip())


def conclude(flow: Flow[Mark]) -> Mark:
    """Return the mark of a flow that asks no judge.

    Raises:
        ConfigError: it asks one.
    """
    try:
        next(flow)
    except StopIteration as done:
        return done.value
    raise ConfigError("scorer: it asks a judge; name one of `llms` in the benchmark's `judge`, or choose a rule")


def mark(value: Callable[[], Any], parsed: str) -> Mark:
    """Compute a mark in [0, 1]; 0 and malformed where `value` raises or is no number.

    Args:
        parsed: the answer that is compared.
    """
    try:
        found = value()
    except CRASHES as error:
        return Mark(value=0.0, parsed=parsed, malformed=True, reason=f"{type(error).__name__}: {error}")
    if not isinstance(found, int | float) or isnan(found):
        return Mark(value=0.0, parsed=parsed, malformed=True, reason=f"{found!r} is no number")
    return Mark(value=min(max(float(found), 0.0), 1.0), parsed=parsed)


def text_request(prompt: str) -> Request:
    """Return a request of text alone."""
    return Request(messages=(Message("user", (Text(prompt),)),))


def ask_judge(prompt: str, read: Callable[[str], T | None]) -> Flow[tuple[Answer, T | None]]:
    """Ask a judge, and once more, by another draw, where its reply cannot be read.

    Args:
        read: returns the verdict in a reply; None if there is none.
    """
    request = text_request(prompt)
    answer = yield request
    found = read(answer.text)
    if found is None:
        answer = yield msgspec.structs.replace(request, draw=1)
        found = read(answer.text)
    return answer, found


def fact(sample: Sample, key: str) -> str:
    """Return a fact of the sample as text.

    Raises:
        DataError: there is none.
    """
    if key not in sample.facts:
        raise DataError(f"no {key!r}; this scorer reads it")
    return str(sample.facts[key])

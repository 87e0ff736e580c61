"""Verdicts of a judge as JSON, with the model that gave them."""

from typing import TypeVar

from mmprolong.evaluation.scorers import text_request
from mmprolong.llm.requests import Flow, structured

T = TypeVar("T")


def judged(prompt: str, kind: type[T]) -> Flow[tuple[T, str]]:
    """Ask for a verdict; returns it and the name of the judge.

    Args:
        kind: a msgspec.Struct, whose first field may be reasons.

    Raises:
        RequestFailed: neither the first answer nor the corrected one is such a verdict.
    """
    asking = structured(text_request(prompt), kind)
    request = next(asking)
    while True:
        answer = yield request
        try:
            request = asking.send(answer)
        except StopIteration as done:
            return done.value, answer.model

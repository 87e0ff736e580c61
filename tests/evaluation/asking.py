"""Samples as a test needs them."""

from typing import Any

from mmprolong.conversations import Message, Text
from mmprolong.records import Gold, Sample


def sample(answer: Any, kind: str = "String", begun: str = "", **facts: str | float) -> Sample:
    """A question with a gold answer; `begun` is the text that the model's turn begins with."""
    prompt = (Message("user", (Text("Which?"),)), *([Message("assistant", (Text(begun),))] if begun else []))
    return Sample(
        id="s",
        benchmark="b",
        task="t",
        length="1K",
        cluster="c",
        prompt=prompt,
        gold=Gold(answer, kind),
        facts=facts,
    )

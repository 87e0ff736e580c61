"""Questions about examples of a synthesis step that no training example has seen; every one is asked on its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from mmprolong.conversations import Conversation, Message, Text, images_of
from mmprolong.errors import ConfigError
from mmprolong.evaluation.benchmarks import Inputs, macro_and_micro, nominal_pages
from mmprolong.plugins import Choice
from mmprolong.records import Example, Reject, Sample, Score
from mmprolong.store.jsonl import read_jsonl


@dataclass(frozen=True)
class Generated:
    """Every question of every example, after the images of the first."""

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = ""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield a sample for each answer of `examples.jsonl`.

        Raises:
            ConfigError: the suite names no source.
        """
        if inputs.synthesis is None:
            raise ConfigError(f"suite.benchmarks.{name}.source: empty; name the source whose examples are asked about")
        for example in read_jsonl(inputs.synthesis / "examples.jsonl", Example):
            yield from _questions(name, example)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions."""
        return macro_and_micro(scores)


def _questions(name: str, example: Example) -> Iterator[Sample | Reject]:
    prompts = list(_prompts(example.conversations["answer"]))
    if len(prompts) != len(example.gold):
        detail = f"{len(prompts)} answers, {len(example.gold)} gold"
        yield Reject(what=example.id, reason="answers and gold differ in number", detail=detail)
        return
    for number, (prompt, gold) in enumerate(zip(prompts, example.gold, strict=True)):
        images = sum(1 for _ in images_of(prompt))
        depth = {"depth": min(gold.evidence) / max(images - 1, 1)} if gold.evidence else {}
        yield Sample(
            id=f"{example.id}-{number}",
            benchmark=name,
            task=example.task,
            length=example.length or nominal_pages(images),
            cluster=example.cluster,
            prompt=prompt,
            gold=gold,
            facts={**example.facts, **depth, "question": prompt[-1].text},
        )


def _prompts(conversation: Conversation) -> Iterator[Conversation]:
    """Yield what asks for each answer: the system's turn, then all images of the first question and the question."""
    system = tuple(message for message in conversation if message.role == "system")
    turns = conversation[len(system) :]
    shown = tuple(part for part in turns[0].parts if not isinstance(part, Text))
    for asked, answered in pairwise(turns):
        if answered.role == "assistant":
            question = tuple(part for part in asked.parts if isinstance(part, Text))
            yield (*system, Message("user", (*shown, *question)))

"""One file a benchmark, found by its name. Each defines `questions(source, labels) -> Iterator[Question]`."""

from dataclasses import dataclass

from mmprolong.records import Message, Sample


@dataclass(frozen=True, slots=True)
class Question:
    """A sample and the prompt that asks it."""

    sample: Sample
    prompt: tuple[Message, ...]

"""Questions about documents of the pool that no training instance has seen; every turn is asked on its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmprolong.evaluation.benchmarks import Question
from mmprolong.records import Image, Instance, Message, Sample, read_jsonl


def questions(source: Path, labels: Sequence[str]) -> Iterator[Question]:
    """Every turn of every instance of a held-out synthesis step.

    Args:
        labels: name of each range of lengths of the source, in its order; none: the length in thousands of tokens.
    """
    for instance in read_jsonl(source / "instances.jsonl", Instance):
        yield from _turns(instance, _label(instance, labels))


def _turns(instance: Instance, label: str) -> Iterator[Question]:
    shown = tuple(part for part in instance.messages[0].parts if isinstance(part, Image))
    pairs = zip(instance.messages[::2], instance.messages[1::2], strict=True)
    for number, (asked, answered) in enumerate(pairs):
        text = tuple(part for part in asked.parts if not isinstance(part, Image))
        evidence = instance.evidence[number]
        sample = Sample(
            id=f"{instance.id}-{number}",
            document=instance.document,
            task=instance.task,
            length=label,
            depth=min(evidence, default=0) / max(instance.pages - 1, 1),
            target=" ".join(part for part in answered.parts if isinstance(part, str)),
        )
        yield Question(sample, (Message(role="user", parts=(*shown, *text)),))


def _label(instance: Instance, labels: Sequence[str]) -> str:
    if not labels:
        return f"{1 << max(instance.tokens // 1024 - 1, 0).bit_length()}K"
    return labels[int(instance.document.split("-")[2])]

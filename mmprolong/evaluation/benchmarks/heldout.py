"""Questions about documents of the pool that no training instance has seen; every turn is asked on its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmprolong.errors import ConfigError
from mmprolong.evaluation.benchmarks import Question
from mmprolong.records import Image, Instance, Message, Sample, read_jsonl


def questions(source: Path, labels: Sequence[str]) -> Iterator[Question]:
    """Every turn of every instance of a held-out synthesis step.

    Args:
        labels: name of each range of lengths of the source, in its order; none: the power of two thousand tokens that
            holds the instance ('64K').

    Raises:
        ConfigError: there are labels, but the documents are the pool's own, which were not composed to a length.
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
        return f"{1 << ((instance.tokens - 1) // 1024).bit_length()}K"
    composed = instance.document.split("-")
    if len(composed) == 1:
        raise ConfigError(f"suite.labels: {list(labels)}, but {instance.id} is as long as it is; set suite.labels=[]")
    return labels[int(composed[2])]

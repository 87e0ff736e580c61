"""From packs to updates. The order is that of the packs, so a position is one number."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmprolong.conversations import images_of
from mmprolong.errors import DataError
from mmprolong.images.sources import Images
from mmprolong.models.backbone import Backbone, encode
from mmprolong.models.network import collate
from mmprolong.records import Example, Measured, Pack
from mmprolong.settings.knobs import View
from mmprolong.store.jsonl import read_jsonl

if TYPE_CHECKING:
    from mmprolong.models.network import Batch


class Stream:
    """The updates of one phase, in order.

    Args:
        packs: in the order in which they are trained on.
        sources: synthesis steps that hold their examples, by name.
        tokens_per_update: how much an update takes; whole packs, at least one.
        capacity: of a pack [tokens].
    """

    def __init__(
        self,
        packs: Sequence[Pack],
        sources: Mapping[str, Path],
        backbone: Backbone,
        images: Images,
        view: View,
        tokens_per_update: int,
        capacity: int,
    ) -> None:
        size = max(1, tokens_per_update // capacity)
        self._updates = [packs[start : start + size] for start in range(0, len(packs), size)]
        self.tokens = sum(pack.tokens for pack in packs)
        self._examples = _needed(packs, sources)
        self._backbone = backbone
        self._images = images
        self._view = view

    def __len__(self) -> int:
        return len(self._updates)

    def conversations(self, update: int) -> list[Measured]:
        """Return the measured examples of one update."""
        return [
            _measured(self._examples[name], tokens, supervised)
            for pack in self._updates[update]
            for name, tokens, supervised in zip(pack.examples, pack.lengths, pack.supervised, strict=True)
        ]

    def batches(self, update: int) -> Iterator["Batch"]:
        """Yield the packed sequences of one update.

        Raises:
            DataError: an example is not as long as it was measured.
        """
        for pack in self._updates[update]:
            yield self._batch(pack)

    def _batch(self, pack: Pack) -> "Batch":
        encoded = []
        for name, *measured in zip(pack.examples, pack.lengths, pack.supervised, strict=True):
            conversation = self._examples[name].conversations["answer"]
            document = encode(self._backbone, conversation, self._images, self._view)
            found = [len(document.ids), int(document.supervised.sum())]
            if found != measured:
                raise DataError(
                    f"{name}: [tokens, supervised] is {found}, measured {measured}; run the measurement again"
                )
            encoded.append(document)
        return collate(encoded, self._backbone, self._images)


def _measured(example: Example, tokens: int, supervised: int) -> Measured:
    return Measured(
        example=example.id,
        conversation="answer",
        task=example.task,
        cluster=example.cluster,
        length=example.length,
        tokens=tokens,
        supervised=supervised,
        images=sum(1 for _ in images_of(example.conversations["answer"])),
    )


def _needed(packs: Sequence[Pack], sources: Mapping[str, Path]) -> dict[str, Example]:
    wanted = {name for pack in packs for name in pack.examples}
    found: dict[str, Example] = {}
    for source, folder in sources.items():
        for example in read_jsonl(folder / "examples.jsonl", Example):
            if example.id in wanted and found.setdefault(example.id, example) != example:
                raise DataError(
                    f"sources.{source}: example {example.id!r} is another in an earlier source; change seed"
                )
    missing = wanted - found.keys()
    if missing:
        raise DataError(f"packs.jsonl: example {min(missing)!r} is in no source ({len(missing)} missing)")
    return found

"""From packs to updates. The order is that of the packs, so a position is one number."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmprolong.errors import DataError
from mmprolong.images.pages import PageImages
from mmprolong.models.backbone import Backbone, encode
from mmprolong.models.network import Batch, collate
from mmprolong.records import Instance, Pack, read_jsonl


class Stream:
    """The updates of one phase, in order."""

    def __init__(
        self, mixture: Path, sources: Sequence[Path], backbone: Backbone, images: PageImages, batch: int, capacity: int
    ) -> None:
        packs = list(read_jsonl(mixture / "packs.jsonl", Pack))
        size = max(1, batch // capacity)
        self._groups = [packs[start : start + size] for start in range(0, len(packs), size)]
        self.tokens = sum(pack.tokens for pack in packs)
        self._instances = _needed(packs, sources)
        self._backbone = backbone
        self._images = images

    def __len__(self) -> int:
        return len(self._groups)

    def tokens_of(self, update: int) -> int:
        """Tokens of one update, from 0."""
        return sum(pack.tokens for pack in self._groups[update])

    def supervised_of(self, update: int) -> int:
        """Tokens of one update that carry loss."""
        return sum(instance.supervised for instance, _ in self.instances(update))

    def instances(self, update: int) -> Iterator[tuple[Instance, int]]:
        """The instances of one update and their tokens."""
        for pack in self._groups[update]:
            for name, tokens in zip(pack.instances, pack.lengths, strict=True):
                yield self._instances[name], tokens

    def packs(self, update: int) -> Iterator[Batch]:
        """The packed sequences of one update.

        Raises:
            DataError: an instance is not as long as it was counted.
        """
        for pack in self._groups[update]:
            yield self._inputs(pack)

    def _inputs(self, pack: Pack) -> Batch:
        encoded = []
        for name, length in zip(pack.instances, pack.lengths, strict=True):
            instance = self._instances[name]
            document = encode(self._backbone, instance.messages, self._images.size)
            found, counted = (len(document.ids), int(document.supervised.sum())), (length, instance.supervised)
            if found != counted:
                raise DataError(f"{name}: (tokens, supervised) is {found}, counted as {counted}; run synthesis again")
            encoded.append(document)
        return collate(encoded, self._backbone, self._images)


def _needed(packs: Sequence[Pack], sources: Sequence[Path]) -> dict[str, Instance]:
    wanted = {name for pack in packs for name in pack.instances}
    found = {
        instance.id: instance
        for source in sources
        for instance in read_jsonl(source / "instances.jsonl", Instance)
        if instance.id in wanted
    }
    missing = wanted - found.keys()
    if missing:
        raise DataError(f"packs.jsonl: instance {min(missing)!r} is in no source ({len(missing)} missing)")
    return found

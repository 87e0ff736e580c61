"""Replies computed in this process; a document is read once, its questions share the cache."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mmprolong.conversations import Image
from mmprolong.errors import DataError
from mmprolong.evaluation.shared_prefix import Group, Symbols, group_prompts, reduce_prompt
from mmprolong.images.sources import Images
from mmprolong.models.backbone import Backbone, encode
from mmprolong.models.encoding import Encoded
from mmprolong.records import Reject, Reply, Sample
from mmprolong.settings.knobs import View

if TYPE_CHECKING:
    from transformers import Cache

    from mmprolong.models.network import Batch, Network


@dataclass(frozen=True, slots=True)
class Transformers:
    """The choice."""

    version: ClassVar[int] = 1
    batch_tokens: int = 8192
    """Tokens of the prefixes that are read together; four times as many are kept while replies are written."""

    def start(self, network: "Network", backbone: Backbone, images: Images, view: View, new_tokens: int) -> "InProcess":
        """Return an engine."""
        return InProcess(network, backbone, images, view, new_tokens, self.batch_tokens)


@dataclass(frozen=True, slots=True)
class PrefixBatch:
    """Samples of groups whose prefixes are equally long."""

    questions: tuple[tuple[int, Sample], ...]
    """Number of the group, from 0, and sample."""
    prefix: int
    """Tokens that the prompts of a group share."""
    rows: int
    """Prompts to answer at once; each needs its own cache."""

    @property
    def samples(self) -> tuple[str, ...]:
        """Ids, in the order of the replies."""
        return tuple(sample.id for _, sample in self.questions)


@dataclass(frozen=True, slots=True)
class InProcess:
    """Answers greedily with a network on this machine."""

    network: "Network"
    backbone: Backbone
    images: Images
    view: View
    new_tokens: int
    batch_tokens: int

    def batches(self, samples: Sequence[Sample]) -> Iterator[PrefixBatch | Reject]:
        """Yield equally long groups together, the shortest first: sums may depend on what shares a batch."""
        accepted: list[Sample] = []
        prompts: list[Symbols] = []
        numbers: dict[Image, int] = {}
        for sample in samples:
            try:
                prompts.append(reduce_prompt(len(accepted), self._encode(sample), numbers))
                accepted.append(sample)
            except DataError as error:
                yield Reject(what=sample.id, reason="prompt refused", detail=str(error))
        by_prefix: dict[int, list[Group]] = defaultdict(list)
        for group in group_prompts(prompts):
            by_prefix[group.prefix].append(group)
        for prefix, equal in sorted(by_prefix.items()):
            together = max(1, self.batch_tokens // max(prefix, 1))
            for first in range(0, len(equal), together):
                chosen = equal[first : first + together]
                rows = max(1, 4 * self.batch_tokens // max(group.longest for group in chosen))
                questions = ((row, accepted[place]) for row, group in enumerate(chosen) for place in group.prompts)
                yield PrefixBatch(tuple(questions), prefix, rows)

    def answer(self, batch: PrefixBatch) -> list[Reply]:
        """Return one reply for each sample of a batch."""
        from mmprolong.evaluation.decoding import read

        self.network.module.eval()
        prompts = [(row, self._encode(sample)) for row, sample in batch.questions]
        firsts = dict(prompts)
        cache = read(self.network, self._rows([firsts[row] for row in sorted(firsts)], 0, batch.prefix))
        found: dict[int, list[int]] = {}
        for places in _equally_long([len(prompt) for _, prompt in prompts], batch.rows):
            rows, asked = zip(*(prompts[place] for place in places), strict=True)
            alone = len(firsts) == len(rows) == 1
            found |= zip(places, self._greedy(cache, None if alone else rows, asked, batch.prefix), strict=True)
        return [
            Reply(
                sample=sample.id,
                text=self.backbone.decode(found[place]),
                prompt_tokens=len(prompts[place][1]),
                reply_tokens=len(found[place]),
                cut=found[place][-1] not in self.backbone.end,
            )
            for place, (_, sample) in enumerate(batch.questions)
        ]

    def _greedy(
        self, cache: "Cache", rows: Sequence[int] | None, prompts: Sequence[Encoded], prefix: int
    ) -> list[list[int]]:
        """Return the replies' ids.

        Args:
            rows: of the cache, one a prompt; none: its only row is the only prompt's, and is restored afterwards.
        """
        from mmprolong.evaluation.decoding import copy_rows, greedy

        own = cache if rows is None else copy_rows(cache, rows)
        found = greedy(self.network, own, self._rows(prompts, prefix), self.backbone.end, self.new_tokens)
        if rows is None:
            cache.crop(prefix - cache.get_seq_length())
        return found

    def _encode(self, sample: Sample) -> Encoded:
        return encode(self.backbone, sample.prompt, self.images, self.view, answer=True)

    def _rows(self, prompts: Sequence[Encoded], begin: int, end: int | None = None) -> "Batch":
        from mmprolong.models.network import collate_rows

        device = next(self.network.module.parameters()).device
        return collate_rows(prompts, self.backbone, self.images, begin, end).to(device)


def _equally_long(lengths: Sequence[int], at_once: int) -> Iterator[list[int]]:
    """Yield places of equal lengths, at most `at_once` together."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, length in enumerate(lengths):
        places[length].append(place)
    for equal in places.values():
        yield from (equal[first : first + at_once] for first in range(0, len(equal), at_once))

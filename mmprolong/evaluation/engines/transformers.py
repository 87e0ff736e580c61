"""Replies computed in this process; a document is read once, its questions share the cache."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from mmprolong.errors import FeasibilityError, RequestFailed
from mmprolong.evaluation.engines import Asked, Subject
from mmprolong.evaluation.shared_prefix import Group, Prompts, Symbols, group_prompts
from mmprolong.images.sources import Images
from mmprolong.models.backbone import encode
from mmprolong.models.encoding import Encoded
from mmprolong.models.shapes import shape_of
from mmprolong.records import Reject, Reply, Sample
from mmprolong.settings.knobs import View

if TYPE_CHECKING:
    from transformers import Cache

    from mmprolong.evaluation.vision_cache import VisionCache
    from mmprolong.models.network import Batch, Network

_GIB = 1 << 30
_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True, slots=True)
class Transformers:
    """The choice."""

    version: ClassVar[int] = 1
    batch_tokens: int = 8192
    """Tokens of the prefixes that are read together; of prompts that are answered together four times as many."""
    memory: float = 16.0
    """Bound of all key-value caches that are held at once [GiB]."""
    vision_memory: float = 2.0
    """Bound of the images' features that are kept for later prompts [GiB]; least recently used first out."""

    def start(self, subject: Subject, images: Images, view: View, new_tokens: int) -> "InProcess":
        """Return an engine."""
        return InProcess(self, subject, images, view, new_tokens)


@dataclass(frozen=True, slots=True)
class PrefixBatch:
    """Samples of groups whose prefixes are equally long."""

    groups: tuple[int, ...]
    """Number of each sample's group, from 0."""
    asked: tuple[Asked, ...]
    prefix: int
    """Tokens that the prompts of a group share."""
    rows: int
    """Prompts to answer at once; each needs its own cache."""


class InProcess:
    """Answers greedily with a network on this machine.

    Args:
        options: bounds of batches and memory.
        new_tokens: longest reply [tokens].
    """

    def __init__(self, options: Transformers, subject: Subject, images: Images, view: View, new_tokens: int) -> None:
        self._options, self._subject, self._new_tokens = options, subject, new_tokens
        self._images, self._view = images, view
        self._backbone = subject.backbone

    @cached_property
    def network(self) -> "Network":
        """The loaded model."""
        import torch

        torch.set_num_threads(self._subject.threads)
        network = self._subject.network()
        network.module.eval()
        return network

    @cached_property
    def vision(self) -> "VisionCache":
        """Features of the images seen."""
        from mmprolong.evaluation.vision_cache import VisionCache

        return VisionCache(self.network, self._backbone, self._images, self._options.vision_memory * _GIB)

    @cached_property
    def capacity(self) -> int:
        """Tokens whose keys and values fit into the memory."""
        text = shape_of(self._subject.model).text
        token = 2 * text.layers * text.key * _BYTES[self._subject.model.dtype]
        return int(self._options.memory * _GIB / token)

    def batches(self, samples: Sequence[Sample]) -> Iterator[PrefixBatch | Reject]:
        """Yield equally long groups together, the shortest first: sums may depend on what shares a batch.

        Raises:
            FeasibilityError: the longest prompt does not fit into the memory.
        """
        reader = Prompts.of(self._backbone, self._images, self._view)
        accepted, prompts, refused = reader.reduce_all(samples)
        yield from refused
        by_prefix: dict[int, list[Group]] = defaultdict(list)
        for group in group_prompts(prompts):
            by_prefix[group.prefix].append(group)
        for prefix, equal in sorted(by_prefix.items()):
            free = self.capacity - max(group.longest for group in equal) - self._new_tokens
            together = max(1, min(self._options.batch_tokens, free) // max(prefix, 1))
            for first in range(0, len(equal), together):
                yield self._batch(equal[first : first + together], prefix, accepted, prompts)

    def answer(self, batch: PrefixBatch) -> list[Reply | RequestFailed]:
        """Return one reply for each sample of a batch."""
        from mmprolong.evaluation.decoding import read

        prompts = [self._encode(asked.sample) for asked in batch.asked]
        firsts = dict(zip(batch.groups, prompts, strict=True))
        cache = read(self.network, self._rows([firsts[row] for row in sorted(firsts)], 0, batch.prefix))
        found: dict[int, list[int]] = {}
        for places in _equally_long([len(prompt) for prompt in prompts], batch.rows):
            rows, asked = zip(*((batch.groups[place], prompts[place]) for place in places), strict=True)
            alone = len(firsts) == len(rows) == 1
            found |= zip(places, self._greedy(cache, None if alone else rows, asked, batch.prefix), strict=True)
        return [
            Reply(
                sample=asked.sample.id,
                text=self._backbone.decode(found[place]),
                prompt_tokens=len(prompts[place]),
                cached_tokens=asked.cached,
                reply_tokens=len(found[place]),
                cut=found[place][-1] not in self._backbone.end,
            )
            for place, asked in enumerate(batch.asked)
        ]

    def facts(self) -> Mapping[str, str]:
        """Return the attention kernel."""
        return {"attention": self.network.attention}

    def close(self) -> None:
        """Do nothing: the process ends."""

    def _batch(
        self, groups: Sequence[Group], prefix: int, samples: Sequence[Sample], prompts: Sequence[Symbols]
    ) -> PrefixBatch:
        longest = max(group.longest for group in groups) + self._new_tokens
        if longest > self.capacity:
            memory = f"{self._options.memory:g} GiB hold the keys and values of {self.capacity:,} tokens"
            raise FeasibilityError(f"suite.engine.memory: {memory}, and a prompt with its reply has {longest:,}")
        free = self.capacity - len(groups) * prefix  # caches of the prefixes stay beside those of the prompts
        rows = max(1, min(4 * self._options.batch_tokens, free) // longest)
        questions = [(row, place) for row, group in enumerate(groups) for place in group.prompts]
        seen: set[int] = set()
        asked: list[Asked] = []
        for row, place in questions:
            cached = prefix if row in seen else 0
            seen.add(row)
            asked.append(Asked.of(samples[place], prompts[place], cached))
        return PrefixBatch(tuple(row for row, _ in questions), tuple(asked), prefix, rows)

    def _greedy(
        self, cache: "Cache", rows: Sequence[int] | None, prompts: Sequence[Encoded], prefix: int
    ) -> list[list[int]]:
        """Return the replies' ids.

        Args:
            rows: of the cache, one a prompt; none: its only row is the only prompt's, and is restored afterwards.
        """
        from mmprolong.evaluation.decoding import copy_rows, greedy

        own = cache if rows is None else copy_rows(cache, rows)
        found = greedy(self.network, own, self._rows(prompts, prefix), self._backbone.end, self._new_tokens)
        if rows is None:
            cache.crop(prefix - cache.get_seq_length())
        return found

    def _encode(self, sample: Sample) -> Encoded:
        return encode(self._backbone, sample.prompt, self._images, self._view, answer=True)

    def _rows(self, prompts: Sequence[Encoded], begin: int, end: int | None = None) -> "Batch":
        from mmprolong.models.network import collate_rows

        device = next(self.network.module.parameters()).device
        return collate_rows(prompts, self._backbone, self._images, begin, end, self.vision.features).to(device)


def _equally_long(lengths: Sequence[int], at_once: int) -> Iterator[list[int]]:
    """Yield places of equal lengths, at most `at_once` together."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, length in enumerate(lengths):
        places[length].append(place)
    for equal in places.values():
        yield from (equal[first : first + at_once] for first in range(0, len(equal), at_once))

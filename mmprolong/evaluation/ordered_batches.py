"""Batches for engines that cache prefixes by themselves: prompts that begin alike are asked one behind the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmprolong.conversations import Conversation, Image, Text, flat
from mmprolong.errors import DataError
from mmprolong.evaluation.engines import Asked
from mmprolong.evaluation.shared_prefix import Prompts, group_prompts
from mmprolong.models.encoding import Piece
from mmprolong.records import Reject, Sample

_BYTES_PER_TOKEN = 3


@dataclass(frozen=True, slots=True)
class OrderedBatch:
    """Samples of whole groups."""

    asked: tuple[Asked, ...]
    firsts: int
    """So many come first: those whose prefixes the others find computed."""

    @property
    def waves(self) -> tuple[tuple[Asked, ...], tuple[Asked, ...]]:
        """Samples to ask first, and those to ask once these are answered."""
        return self.asked[: self.firsts], self.asked[self.firsts :]


def ordered_batches(
    samples: Sequence[Sample], reader: Prompts, at_once: int, block: int
) -> Iterator[OrderedBatch | Reject]:
    """Yield batches of at least `at_once` samples, as far as there are so many; refused samples become rejects.

    Args:
        block: tokens of a block of the engine's prefix cache, which keeps whole blocks; 0: it has none.
    """
    accepted, prompts, refused = reader.reduce_all(samples)
    yield from refused
    firsts: list[Asked] = []
    rest: list[Asked] = []
    for group in group_prompts(prompts):
        for place in group.prompts:
            shared = 0 if place == group.prompts[0] or not block else group.prefix // block * block
            asked = Asked.of(accepted[place], prompts[place], shared)
            (firsts if place == group.prompts[0] else rest).append(asked)
        if len(firsts) + len(rest) >= at_once:
            yield OrderedBatch((*firsts, *rest), len(firsts))
            firsts, rest = [], []
    if firsts:
        yield OrderedBatch((*firsts, *rest), len(firsts))


def estimated_prompts(image_tokens: int) -> Prompts:
    """Return prompts of a model whose tokenizer is not known: 3 bytes of text a token."""

    def pieces(prompt: Conversation) -> Iterator[Piece]:
        for message in prompt:
            for part in flat(message.parts):
                if isinstance(part, Text):
                    text = part.text.encode()
                    starts = range(0, len(text), _BYTES_PER_TOKEN)
                    yield ([int.from_bytes(text[at : at + _BYTES_PER_TOKEN]) for at in starts], False)
                elif isinstance(part, Image):
                    yield (part, False)
                else:
                    raise DataError(f"a film of {len(part.frames)} frames: its tokens are not known; name model.path")

    return Prompts(pieces, lambda _: image_tokens)

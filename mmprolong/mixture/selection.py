"""Draw instances to a token target. Two mixtures with one seed draw the same instances where they want the same."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmprolong.errors import FeasibilityError


@dataclass(frozen=True, slots=True)
class Entry:
    """What a mixture needs to know of an instance."""

    id: str
    task: str
    tokens: int
    pages: int
    document: str


def shuffled(entries: Iterable[Entry], seed: int) -> list[Entry]:
    """In an order that depends on the seed and each id alone, so other instances do not disturb it."""
    return sorted(entries, key=lambda entry: hashlib.blake2b(f"{seed}:{entry.id}".encode(), digest_size=8).digest())


def draw(entries: Sequence[Entry], target: int, repeat: bool, where: str) -> list[Entry]:
    """Entries from the front of the list whose tokens add up to `target`, to within half an instance.

    Args:
        target: tokens wanted; at most 0 draws nothing.
        repeat: begin again where the list ends.

    Raises:
        FeasibilityError: the list holds too few tokens; says how many.
    """
    available = sum(entry.tokens for entry in entries)
    if target <= 0:
        return []
    if not available or (available < target and not repeat):
        raise FeasibilityError(
            f"{where}: {target:,} tokens wanted, {available:,} in {len(entries):,} instances available; lower "
            "mixture.tokens, add documents (corpus.path, source.documents) or set mixture.repeat=true"
        )
    drawn: list[Entry] = []
    missing = target
    while missing > 0:
        for entry in entries:
            if missing < entry.tokens - missing:  # leaving it out is nearer to the target
                return drawn
            drawn.append(entry)
            missing -= entry.tokens
            if missing <= 0:
                break
    return drawn

"""Draw examples to a token target. Two mixtures with one seed draw the same examples where they want the same."""

import hashlib
from collections.abc import Iterable, Sequence

from mmprolong.errors import FeasibilityError
from mmprolong.records import Measured


def shuffled(entries: Iterable[Measured], seed: int) -> list[Measured]:
    """Return them in an order of the seed and each id alone, so that other examples do not disturb it."""
    return sorted(
        entries, key=lambda entry: hashlib.blake2b(f"{seed}:{entry.example}".encode(), digest_size=8).digest()
    )


def draw(entries: Sequence[Measured], target: int, repeats: int, where: str) -> list[Measured]:
    """Return entries from the front of the list whose tokens add up to `target`, to within half an example.

    Args:
        target: tokens wanted; at most 0 draws nothing.
        repeats: how often each may be used; 0: without limit.

    Raises:
        FeasibilityError: the list holds too few tokens; says how many.
    """
    available = sum(entry.tokens for entry in entries)
    if target <= 0:
        return []
    uses = f", each used at most {repeats} times" if repeats > 1 else ""
    if not available or (repeats and available * repeats < target):
        raise FeasibilityError(
            f"{where}: {target:,} tokens wanted, {available:,} in {len(entries):,} examples{uses}; lower "
            "mixture.tokens, add documents (corpus.path, sources) or raise the component's repeats (0: no limit)"
        )
    drawn: list[Measured] = []
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

"""Shares of the tokens of a phase so far, by task and by length."""

import math
from collections import Counter
from collections.abc import Iterable

from mmprolong.records import Measured


class TrainedOn:
    """Counts conversations in O(conversations) an update.

    Args:
        native_context: of the model [tokens]; lengths are told in its multiples.
    """

    def __init__(self, native_context: int) -> None:
        self._native_context = native_context
        self._tokens: Counter[str] = Counter()
        self._total = 0

    def add(self, conversations: Iterable[Measured]) -> None:
        """Count the tokens of an update."""
        for each in conversations:
            self._tokens[f"seen/task/{each.task}"] += each.tokens
            self._tokens[f"seen/length/{length_range(each.tokens, self._native_context)}"] += each.tokens
            self._total += each.tokens

    def shares(self) -> dict[str, float]:
        """Return the share of all tokens by `seen/task/<task>` and by `seen/length/<range>`; each adds up to 1."""
        return {name: tokens / self._total for name, tokens in sorted(self._tokens.items())}


def length_range(tokens: int, native_context: int) -> str:
    """Return the doubling that holds a length: `2-4x` is two native contexts or more and less than four."""
    low = 2.0 ** (math.frexp(tokens / native_context)[1] - 1)
    return f"{low:g}-{2 * low:g}x"

"""What a phase has been trained on so far: shares of the tokens by task and by length."""

import math
from collections import Counter
from collections.abc import Iterable

from mmprolong.records import Instance


class Seen:
    """Tokens of the instances that were seen, counted in O(instances) an update.

    Args:
        window: native window of the model [tokens]; lengths are told in its multiples.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._tokens: Counter[str] = Counter()
        self._total = 0

    def add(self, instances: Iterable[tuple[Instance, int]]) -> None:
        """Count instances and their tokens."""
        for instance, tokens in instances:
            self._tokens[f"seen/task/{instance.task}"] += tokens
            self._tokens[f"seen/length/{length_range(tokens, self._window)}"] += tokens
            self._total += tokens

    def shares(self) -> dict[str, float]:
        """Share of all tokens by `seen/task/<task>` and by `seen/length/<range>`; each of the two adds up to 1."""
        return {name: tokens / self._total for name, tokens in sorted(self._tokens.items())}


def length_range(tokens: int, window: int) -> str:
    """The doubling that holds a length, in windows: `2-4x` is two windows or more and less than four."""
    low = 2.0 ** (math.frexp(tokens / window)[1] - 1)
    return f"{low:g}-{2 * low:g}x"

"""Shares of a token budget: by task, by length, whole tokens that add up."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from mmprolong.errors import ConfigError, InvalidSettings, Problem


def split_tokens(budget: int, weights: Mapping[str, float], where: str) -> dict[str, int]:
    """Split `budget` by `weights`; the parts add up to it exactly (largest remainders, ties by name).

    Raises:
        ConfigError: a weight is negative, or all are zero.
    """
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0:
        raise ConfigError(f"{where}: shares {dict(weights)}; none may be negative and at least one must be positive")
    exact = {name: budget * weight / total for name, weight in weights.items() if weight > 0}
    parts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (parts[name] - exact[name], name))
    for name in by_remainder[: budget - sum(parts.values())]:
        parts[name] += 1
    return parts


def bins(edges: Sequence[int], native_context: int, capacity: int) -> list[tuple[int, int]]:
    """Return the half-open token ranges [from, to) of the length bins.

    Where the native context of the model is the longer, the last bin ends at the pack: examples are as long as those
    that extend another model's context to it, as in the paper's transfer from Qwen2.5-VL (32K) to Qwen3-VL (256K).

    Args:
        native_context: of the model [tokens].
        capacity: tokens of a pack; where there are no edges, one bin holds all that a pack holds.

    Raises:
        InvalidSettings: the edges do not rise.

    Source: arXiv 2605.13831, appendix A.2 and G.
    """
    if not edges:
        return [(0, capacity + 1)]
    if len(edges) < 2 or any(high <= low for low, high in pairwise(edges)):
        raise InvalidSettings(
            Problem("lengths.edges", f"{list(edges)}; two or more rising multiples of model.native_context")
        )
    unit = native_context if native_context < capacity else max(1, capacity // edges[-1])
    return [(low * unit, high * unit) for low, high in pairwise(edges)]


def native_weights(lengths: Sequence[int], ranges: Sequence[tuple[int, int]]) -> list[float]:
    """Return the tokens of the pool's documents in each range: the weights of 'pool-native'.

    Args:
        lengths: tokens of every document of the pool.

    Source: arXiv 2605.13831, section 4.1 and Table `length_distribution`.
    """
    return [float(sum(length for length in lengths if low <= length < high)) for low, high in ranges]

"""Shares of a token budget: by task, by length, whole tokens that add up."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from mmprolong.errors import ConfigError, InvalidSettings, Problem
from mmprolong.records import Measured

Range = tuple[int, int]
"""Tokens [from, to)."""


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


def bins(edges: Sequence[int], native_context: int, capacity: int) -> list[Range]:
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


def document_lengths(entries: Iterable[Measured], pages: Mapping[str, int]) -> list[int]:
    """Return the tokens of every document that examples are written on, each once: the mean of its examples.

    Examples that are composed of pages of several documents say nothing of these; then the lengths are those of all
    documents of the pool, at the examples' mean tokens a page.

    Args:
        pages: number of pages of every document of the pool, by id.
    """
    held = list(entries)
    found: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for entry in held:
        if entry.cluster in pages:
            found[entry.cluster, entry.images].append(entry.tokens)  # windows of one document differ in their pages
    if found:
        return [round(sum(tokens) / len(tokens)) for tokens in found.values()]
    per_page = sum(entry.tokens for entry in held) / max(sum(entry.images for entry in held), 1)
    return [round(count * per_page) for count in pages.values()]


def native_weights(lengths: Sequence[int], ranges: Sequence[Range]) -> list[float]:
    """Return the tokens of documents in each range: the weights of 'pool-native'.

    Args:
        lengths: tokens of every document.

    Source: arXiv 2605.13831, section 4.1 and Table `length_distribution`.
    """
    return [float(sum(length for length in lengths if low <= length < high)) for low, high in ranges]

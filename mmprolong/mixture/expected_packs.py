"""The packs of a mixture as they will probably be, before its documents are read."""

from collections.abc import Iterator, Mapping

import numpy as np

from mmprolong.mixture.packing import pack
from mmprolong.mixture.shares import bins
from mmprolong.records import Measured
from mmprolong.settings.data import Component, Source
from mmprolong.settings.stages import MixtureSettings


def nominal_packs(
    settings: MixtureSettings, sources: Mapping[str, Source], page: int, tokens: int
) -> list[tuple[int, ...]]:
    """Return packs of about `tokens` in all, each as the lengths of its conversations [tokens].

    Lengths are uniform within each range of the mixture, or within all where the pool decides (`pool_native`).

    Args:
        page: tokens of a page; 0 for a model that sees none.
    """
    rng, lengths = np.random.default_rng(settings.seed), list[int]()
    parts = [part for part in settings.mixture.components.values() if part.share > 0]
    for part in parts or [Component()]:
        for low, high, share in _ranges(part, settings, sources.get(part.source), page):
            count = max(1, round(tokens * part.share * share / ((low + high) / 2)))
            lengths += rng.integers(low, high, count, endpoint=True).tolist()
    entries = [_entry(str(number), length) for number, length in enumerate(lengths)]
    return [each.lengths for each in pack(entries, settings.mixture.sequence_length, settings.seed)]


def _ranges(
    part: Component, settings: MixtureSettings, source: Source | None, page: int
) -> Iterator[tuple[int, int, float]]:
    """Yield shortest and longest conversation [tokens], and the share of the component's tokens."""
    capacity, edges = settings.mixture.sequence_length, part.lengths.edges
    if not edges:
        pages = [each.pages for each in source.lengths if each.pages] if source else []
        low = min((first for first, _ in pages), default=1) * page
        high = max((last for _, last in pages), default=capacity) * page
        yield min(low or capacity, capacity), min(high or capacity, capacity), 1.0
        return
    ranges = bins(edges, settings.native_context, capacity)
    if part.lengths.tilt is None:
        weights = [float(high**2 - low**2) for low, high in ranges]
    else:
        weights = [2.0 ** (part.lengths.tilt * index) for index in range(len(ranges))]
    for (low, high), weight in zip(ranges, weights, strict=True):
        yield min(max(low, 1), capacity), min(high - 1, capacity), weight / sum(weights)


def _entry(name: str, tokens: int) -> Measured:
    return Measured(
        example=name, conversation="", task="", cluster="", length="", tokens=tokens, supervised=0, images=0
    )

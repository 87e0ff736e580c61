"""Rules that the settings of a mixture must keep."""

from collections.abc import Iterator
from itertools import pairwise

from mmprolong.errors import Problem, check_name
from mmprolong.mixture.shares import bins
from mmprolong.settings.data import Component, Mixture, Source
from mmprolong.settings.knobs import Config

_PAGELESS = {"arithmetic", "text_only"}
"""The tasks whose examples show no page."""


def mixture_problems(key: str, mixture: Mixture, config: Config) -> Iterator[Problem]:
    """Yield the values of a mixture that cannot be drawn, or that name what is not there."""
    parts = {name: part for name, part in mixture.components.items() if part.share > 0}
    where = f"{key}.components"
    total = sum(part.share for part in parts.values())
    if not parts:
        yield Problem(where, f"{', '.join(mixture.components) or '{}'}; give at least one a share above 0")
    elif abs(total - 1) > 1e-6:
        shares = ", ".join(f"{name} {part.share:g}" for name, part in parts.items())
        yield Problem(where, f"shares of {shares} add up to {total:g}; they must add up to 1")
    for name, part in parts.items():
        yield from _component_problems(f"{where}.{name}", part, mixture.sequence_length, config.model.native_context)
        for source in (part.source, *part.matched.sources):
            yield from check_name(f"{where}.{name}.source", source, config.sources, "source")
        for source in part.matched.sources:
            for task in part.matched.tasks if source in config.sources else ():
                yield from check_name(f"{where}.{name}.matched.tasks", task, config.sources[source].tasks, "task of it")
        if part.matched.sources and (
            part.source not in part.matched.sources or not {*part.tasks} <= {*part.matched.tasks}
        ):
            says = "name the source and the tasks of this arm, too"
            yield Problem(f"{where}.{name}.matched", f"{part.matched.sources}, {part.matched.tasks}; {says}")
        if part.source in config.sources:
            yield from _drawn(key, mixture, name, config.sources[part.source])


def _drawn(key: str, mixture: Mixture, name: str, source: Source) -> Iterator[Problem]:
    part = mixture.components[name]
    for task in part.tasks:
        yield from check_name(f"{key}.components.{name}.tasks", task, source.tasks, f"task of sources.{part.source}")
    shortest = min((length.pages[0] for length in source.lengths if length.pages), default=0)
    if mixture.sequence_length <= shortest and not _PAGELESS & {*source.tasks}:
        says = f"{mixture.sequence_length}; the shortest document of sources.{part.source} has {shortest} pages"
        yield Problem(f"{key}.sequence_length", says)


def _component_problems(key: str, part: Component, capacity: int, native_context: int) -> Iterator[Problem]:
    """Yield the values of a component that cannot be drawn.

    Args:
        capacity: of a pack [tokens].
        native_context: of the model [tokens].
    """
    if part.tasks and not any(part.tasks.values()):
        yield Problem(f"{key}.tasks", f"{part.tasks}; give at least one a weight above 0")
    edges, shares = part.lengths.edges, part.lengths.shares
    if shares and len(shares) != len(edges) - 1:
        yield Problem(f"{key}.lengths.shares", f"{shares}; give one for each of {max(len(edges) - 1, 0)} bins")
    if shares and (not any(shares) or part.lengths.tilt is not None):
        yield Problem(f"{key}.lengths.shares", f"{shares}; give at least one above 0, and no tilt")
    if edges and (len(edges) < 2 or any(high <= low for low, high in pairwise(edges))):
        yield Problem(f"{key}.lengths.edges", f"{edges}; two or more rising multiples of the native context, or none")
    elif edges and (shortest := bins(edges, native_context, capacity)[-1][0]) > capacity:
        says = f"{edges}; the last bin begins at {shortest:,} tokens, and a pack holds {capacity:,}"
        yield Problem(f"{key}.lengths.edges", says)

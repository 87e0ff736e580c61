"""Rules that the settings of one component must keep."""

from collections.abc import Iterator
from itertools import pairwise

from mmprolong.errors import Problem
from mmprolong.mixture.shares import bins
from mmprolong.settings.knobs import Component


def component_problems(key: str, part: Component, capacity: int, native_context: int) -> Iterator[Problem]:
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

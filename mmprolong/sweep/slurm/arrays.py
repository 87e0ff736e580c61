"""Arrays of steps that are submitted together, and their dependencies."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from mmprolong.pipeline.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """Steps of one role that are independent of each other."""

    steps: tuple[str, ...]
    aligned: tuple[int, ...] = ()
    """Positions of earlier arrays whose element n must be finished before element n of this one."""
    after: tuple[str, ...]
    """Steps that must be finished before any of these."""


def make_arrays(
    plan: Plan, steps: Set[str], waiting: Set[str], longest: int, kind: Callable[[str], str] = lambda step: ""
) -> list[Array]:
    """Group steps of a plan into arrays, in an order in which they can be submitted.

    Steps of one role, such as `training.longpt`, form an array; so the arms of a sweep form arrays that depend on each
    other element by element, and a failed arm holds up only itself.

    Args:
        waiting: steps that are in the queue already; others may depend on them.
        longest: largest number of elements of an array.
        kind: key of a step; only steps of one key form an array.
    """
    needs = _needs(plan, steps, steps | waiting)
    roles = {name: role for point in plan.points for role, name in point.steps.items()}
    depth: dict[str, int] = {}
    groups: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    for name in needs:
        depth[name] = 1 + max((depth[each] for each in needs[name] if each in depth), default=-1)
        groups[depth[name], roles.get(name, plan.steps[name].stage), kind(name)].append(name)
    arrays: list[Array] = []
    places: dict[str, tuple[int, int]] = {}
    for key in sorted(groups):
        for same in _split(groups[key], needs, places, arrays):
            after = set[str].intersection(*(needs[step] for step in same))
            aligned = tuple(sorted({places[each][0] for each in needs[same[0]] - after}))
            for start in range(0, len(same), longest):
                part = tuple(same[start : start + longest])
                places.update({step: (len(arrays), index) for index, step in enumerate(part)})
                arrays.append(Array(steps=part, aligned=aligned, after=tuple(sorted(after))))
    return arrays


def descendants(plan: Plan, steps: Set[str]) -> set[str]:
    """Return all steps that depend on one of `steps`, directly or not."""
    found: set[str] = set()
    for name, step in plan.steps.items():
        if set(step.inputs.values()) & (found | steps):
            found.add(name)
    return found


def _needs(plan: Plan, steps: Set[str], unfinished: Set[str]) -> dict[str, set[str]]:
    """Return the unfinished inputs of each step, without those that another of its inputs waits for."""
    below: dict[str, set[str]] = {}
    needs: dict[str, set[str]] = {}
    for name, step in plan.steps.items():
        direct = set(step.inputs.values()) & unfinished
        farther = set().union(*(below[each] for each in direct))
        below[name] = direct | farther
        if name in steps:
            needs[name] = direct - farther
    return needs


def _split(
    steps: Iterable[str], needs: Mapping[str, set[str]], places: Mapping[str, tuple[int, int]], arrays: Sequence[Array]
) -> Iterator[list[str]]:
    """Split steps into groups with equal dependencies: element by element if possible, else on the same steps.

    Args:
        places: array and element by step.
    """
    for same in _by(steps, lambda step: {places[each][0] if each in places else each for each in needs[step]}):
        common = set[str].intersection(*(needs[step] for step in same))
        own = [sorted(places.get(each, (-1, -1)) for each in needs[step] - common) for step in same]
        used = [array for array, _ in own[0]]
        aligned = all(each == [(array, index) for array in used] for index, each in enumerate(own))
        whole = all(len(arrays[array].steps) == len(same) for array in used)
        yield from [same] if aligned and whole else _by(same, needs.__getitem__)


def _by(steps: Iterable[str], key: Callable[[str], Set[object]]) -> Iterable[list[str]]:
    groups: dict[Set[object], list[str]] = defaultdict(list)
    for step in steps:
        groups[frozenset(key(step))].append(step)
    return groups.values()

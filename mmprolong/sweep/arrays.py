"""Which steps are submitted together, and what must be finished before them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from mmprolong.pipeline.plan import Plan

K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """Steps of one stage that need nothing from each other."""

    stage: str
    steps: tuple[str, ...]
    alike: tuple[int, ...]
    """Earlier arrays, by position, whose element n must be finished before element n of this one."""
    after: tuple[str, ...]
    """Steps that must be finished before any of these."""


def make_arrays(plan: Plan, todo: Set[str], waiting: Set[str], longest: int) -> list[Array]:
    """The steps of `todo` as arrays, in an order in which they can be submitted.

    Steps of one stage are put together if they are equally far from the first and from the last stage; so the arms of a
    sweep form arrays that depend on each other element by element, and a failed arm holds up nothing but itself.

    Args:
        waiting: steps that are in the queue already; others may depend on them.
        longest: elements that an array may have.
    """
    needs = _needs(plan, todo, todo | waiting)
    places: dict[str, tuple[int, int]] = {}
    arrays: list[Array] = []
    for steps in _groups(plan, needs):
        for array in _split(plan.steps[steps[0]].stage, steps, needs, places, arrays):
            for start in range(0, len(array.steps), longest):
                part = array.steps[start : start + longest]
                places.update({step: (len(arrays), index) for index, step in enumerate(part)})
                arrays.append(Array(stage=array.stage, steps=part, alike=array.alike, after=array.after))
    return arrays


def descendants(plan: Plan, steps: Set[str]) -> set[str]:
    """All steps that need one of `steps`, directly or not."""
    found: set[str] = set()
    for name, step in plan.steps.items():
        if set(step.inputs.values()) & (found | steps):
            found.add(name)
    return found


def _needs(plan: Plan, todo: Set[str], unfinished: Set[str]) -> dict[str, set[str]]:
    """What each step waits for; an input that another input waits for is left out."""
    below: dict[str, set[str]] = {}
    needs: dict[str, set[str]] = {}
    for name, step in plan.steps.items():
        direct = set(step.inputs.values()) & unfinished
        farther = set().union(*(below[each] for each in direct))
        below[name] = direct | farther
        if name in todo:
            needs[name] = direct - farther
    return needs


def _groups(plan: Plan, needs: dict[str, set[str]]) -> Iterable[list[str]]:
    depth, height = _longest(needs, needs), _longest(_reversed(needs), reversed(needs))
    groups: dict[tuple[int, int, str], list[str]] = defaultdict(list)
    for name in needs:
        groups[depth[name], -height[name], plan.steps[name].stage].append(name)
    return (groups[key] for key in sorted(groups))


def _longest(edges: Mapping[str, Iterable[str]], order: Iterable[str]) -> dict[str, int]:
    """Length of the longest path from each step along `edges`."""
    length: dict[str, int] = {}
    for name in order:
        length[name] = 1 + max((length[each] for each in edges[name] if each in length), default=-1)
    return length


def _reversed(needs: Mapping[str, set[str]]) -> dict[str, set[str]]:
    users: dict[str, set[str]] = {name: set() for name in needs}
    for name, below in needs.items():
        for each in below & users.keys():
            users[each].add(name)
    return users


def _split(
    stage: str,
    steps: Sequence[str],
    needs: Mapping[str, set[str]],
    places: Mapping[str, tuple[int, int]],
    arrays: Sequence[Array],
) -> Iterable[Array]:
    """Arrays whose elements all depend in one way; those that fit no way are put together by what they need."""
    for same in _by(steps, lambda step: frozenset(places[each][0] if each in places else each for each in needs[step])):
        common = set[str].intersection(*(needs[step] for step in same))
        own = {step: needs[step] - common for step in same}
        order = _order(own, places, arrays)
        if order is not None:
            alike = {places[each][0] for each in own[order[0]]}
            yield Array(stage=stage, steps=tuple(order), alike=tuple(sorted(alike)), after=tuple(sorted(common)))
            continue
        for alone in _by(same, lambda step: frozenset(needs[step])):
            yield Array(stage=stage, steps=tuple(alone), alike=(), after=tuple(sorted(needs[alone[0]])))


def _order(
    own: Mapping[str, set[str]], places: Mapping[str, tuple[int, int]], arrays: Sequence[Array]
) -> list[str] | None:
    """The order in which step n needs the elements n of some arrays, all of which it uses up; None if there is none."""
    if not any(own.values()):
        return list(own)
    if any(each not in places for below in own.values() for each in below):
        return None
    indices = {step: {places[each][1] for each in below} for step, below in own.items()}
    used = {step: sorted(places[each][0] for each in below) for step, below in own.items()}
    first = next(iter(used.values()))
    whole = all(len(arrays[array].steps) == len(own) for array in first)
    if not whole or any(arrays != first for arrays in used.values()) or len(set(first)) != len(first):
        return None
    if any(len(each) != 1 for each in indices.values()):
        return None
    order = sorted(own, key=lambda step: min(indices[step]))
    return order if [min(indices[step]) for step in order] == list(range(len(own))) else None


def _by(steps: Iterable[str], key: Callable[[str], K]) -> list[list[str]]:
    groups: dict[K, list[str]] = defaultdict(list)
    for step in steps:
        groups[key(step)].append(step)
    return list(groups.values())

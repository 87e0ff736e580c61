"""Arms from one ancestor: slots that every arm fills with a question of its own on the same document.

A slot is the k-th question of each task on a document, of those that all sources have by the same id. It is drawn and
packed at the length of the longest of them, so that documents, order and packs are the same in all arms; what an arm
does not fill is padding.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from mmprolong.errors import FeasibilityError
from mmprolong.records import Measured, Pack

Choice = tuple[str, str]
"""Source and task."""
_STEPS = tuple(math.sqrt(prime) for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37))
"""Multiples of one, without their whole part, fill [0, 1) evenly, and of several fill it independently."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the mixture, and the example that each arm has for it."""

    entry: Measured
    """Under the slot's own name, as long as the longest."""
    choices: Mapping[Choice, Measured]


def slots_of(measured: Mapping[str, Iterable[Measured]], tasks: Sequence[str], where: str) -> list[Slot]:
    """Return the slots that every source fills for every task.

    Args:
        measured: examples by source.
        tasks: that the arms use; none: all that there are, and every arm draws all alike.

    Raises:
        FeasibilityError: no document has a question of each.
    """
    by_id = {source: {entry.example: entry for entry in entries} for source, entries in measured.items()}
    common = set.intersection(*(set(entries) for entries in by_id.values()))
    first = next(iter(by_id.values()))
    groups: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in sorted(common):
        groups[first[name].cluster][first[name].task if tasks else ""].append(name)
    slots = []
    for cluster, found in sorted(groups.items()):
        for number in range(min(len(found.get(task, ())) for task in tasks or [""])):
            names = {task: found[task][number] for task in tasks or [""]}
            choices = {(source, task): by_id[source][name] for source in by_id for task, name in names.items()}
            longest = max(choices.values(), key=lambda entry: entry.tokens)
            slots.append(Slot(replace(longest, example=f"{cluster}/{number}", task="", supervised=0), choices))
    if not slots:
        raise FeasibilityError(
            f"{where}.matched: no document has a question of {', '.join(tasks) or 'any task'} in each of "
            f"{', '.join(measured)}; write more questions_per_task, or match fewer"
        )
    return slots


def fill(
    drawn: Sequence[Measured],
    slots: Mapping[str, Slot],
    source: str,
    weights: Mapping[str, float],
    tasks: Sequence[str],
) -> list[Measured]:
    """Return the example of one arm for each slot that was drawn, in their order.

    Arms with other weights differ in as few slots as can be: a task takes its share evenly out of all those before it,
    and the slots of a small share are among those of a larger one. Of slots of any length it takes the same share.

    Args:
        weights: of tasks; none: all alike.
        tasks: of all arms, those that are to replace others last.
    """
    ordered = {task: weights.get(task, 0.0) if weights else 1.0 for task in tasks or [""]}
    filled = list(drawn)
    for rank, place in enumerate(sorted(range(len(drawn)), key=lambda place: drawn[place].tokens)):
        filled[place] = slots[drawn[place].example].choices[source, _task(rank, ordered)]
    return filled


def _task(rank: int, weights: Mapping[str, float]) -> str:
    """Return the last task into whose share of [0, 1) its number for this rank falls."""
    chosen, total = "", 0.0
    for number, (task, weight) in enumerate(weights.items()):
        total += weight
        if weight and (rank + 1) * _STEPS[number] % 1 < weight / total:
            chosen = task
    return chosen


def filled_packs(packs: Iterable[Pack], examples: Mapping[str, Sequence[Measured]]) -> list[Pack]:
    """Return packs of slots with the examples of one arm in the slots' places.

    Args:
        examples: by slot, in the order of its uses; what has no entry is an example already.
    """
    uses: defaultdict[str, int] = defaultdict(int)
    found = []
    for pack in packs:
        rows = []
        for name, tokens, supervised in zip(pack.examples, pack.lengths, pack.supervised, strict=True):
            if name in examples:
                entry = examples[name][uses[name]]
                uses[name] += 1
                rows.append((entry.example, entry.tokens, entry.supervised))
            else:
                rows.append((name, tokens, supervised))
        names, lengths, supervised = zip(*rows, strict=True)
        found.append(Pack(id=pack.id, examples=names, lengths=lengths, supervised=supervised))
    return found

"""The certificate of a mixture: targets and what was drawn, errors, exposures, what no pack can hold."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmprolong.mixture.packing import fewest_packs
from mmprolong.mixture.shares import Range
from mmprolong.records import Measured, Pack
from mmprolong.settings.knobs import Mixture


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One component, drawn."""

    source: str
    target: int
    """Tokens that it was to have."""
    tasks: Mapping[str, int]
    """Target by task; empty: all examples alike."""
    ranges: Sequence[Range]
    weights: Sequence[float]
    planned: Sequence[Measured]
    """What was drawn: examples, or slots at the length of the longest arm."""
    own: Sequence[Measured]
    """The examples that are in the packs, in the same order."""
    available: Sequence[Measured]
    """What could be drawn."""
    slots: bool
    """Several arms share what is planned."""
    too_long: Sequence[Measured]
    """Examples that no pack can hold."""

    @property
    def tokens(self) -> int:
        """Tokens of its examples."""
        return sum(entry.tokens for entry in self.own)

    @property
    def filled(self) -> dict[str, list[Measured]]:
        """Examples by slot; empty where none is shared."""
        found: defaultdict[str, list[Measured]] = defaultdict(list)
        for slot, entry in zip(self.planned, self.own, strict=True) if self.slots else ():
            found[slot.example].append(entry)
        return found


def certificate_of(mixture: Mixture, drawn: Mapping[str, Drawn], packs: Sequence[Pack]) -> dict[str, Any]:
    """Return the certificate."""
    everything = [entry for part in drawn.values() for entry in part.own]
    actual = sum(entry.tokens for entry in everything)
    pages = Counter(entry.images for entry in everything)
    return {
        "tokens": {"target": mixture.tokens, "actual": actual},
        "components": {name: _component(part) for name, part in drawn.items()},
        "packs": len(packs),
        "fewest_packs": fewest_packs([entry.tokens for entry in everything], mixture.sequence_length),
        "fill": actual / (len(packs) * mixture.sequence_length),
        "repeats": len(everything) - len({entry.example for entry in everything}),
        "documents": len({entry.cluster for entry in everything}),
        "attention": sum(length**2 for each in packs for length in each.lengths),
        "page_counts": {str(count): number for count, number in sorted(pages.items())},
    }


def _component(part: Drawn) -> dict[str, Any]:
    targets = part.tasks or dict.fromkeys(sorted({entry.task for entry in part.own}))
    too_long = [entry.tokens for entry in part.too_long]
    planned = sum(entry.tokens for entry in part.planned)
    longest = max((entry.tokens for entry in part.planned), default=0)
    return {
        "source": part.source,
        "target": part.target,
        "actual": part.tokens,
        "error": {"tokens": planned - part.target, "longest": longest, "within": abs(planned - part.target) <= longest},
        "padded": planned - part.tokens,
        "examples": len(part.own),
        "exposures": _exposures(part.own),
        "tasks": {task: {"target": target, **_totals(part, task)} for task, target in targets.items()},
        "lengths": [_length(part, span, weight) for span, weight in zip(part.ranges, part.weights, strict=True)],
        "longer_than_pack": {"examples": len(too_long), "tokens": sum(too_long), "longest": max(too_long, default=0)},
    }


def _exposures(entries: Sequence[Measured]) -> dict[str, Any]:
    """Return how often examples and documents are shown: the most, and the number of examples by uses."""
    uses = Counter(Counter(entry.example for entry in entries).values())
    documents = Counter(entry.cluster for entry in entries)
    return {
        "most": max(uses, default=0),
        "most_of_a_document": max(documents.values(), default=0),
        "examples_by_uses": {str(count): number for count, number in sorted(uses.items())},
    }


def _totals(part: Drawn, task: str) -> dict[str, int]:
    chosen = [entry.tokens for entry in part.own if entry.task == task]
    return {"actual": sum(chosen), "examples": len(chosen)}


def _length(part: Drawn, span: Range, weight: float) -> dict[str, Any]:
    inside = [entry.tokens for entry in part.planned if span[0] <= entry.tokens < span[1]]
    whole = sum(entry.tokens for entry in part.planned)
    available = [entry.tokens for entry in part.available if span[0] <= entry.tokens < span[1]]
    return {
        "from": span[0],
        "to": span[1],
        "target_share": weight,
        "share": sum(inside) / max(whole, 1),
        "tokens": sum(inside),
        "examples": len(inside),
        "available": {"tokens": sum(available), "examples": len(available)},
    }

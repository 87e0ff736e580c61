"""The certificate of a mixture: targets and what was drawn, errors, exposures, what no pack can hold."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmprolong.mixture.packing import fewest_packs
from mmprolong.mixture.shares import Range
from mmprolong.records import Measured, Pack
from mmprolong.settings.data import Mixture


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
    def filled(self) -> dict[str, list[Measured]]:
        """Examples by slot; empty where none is shared."""
        found: defaultdict[str, list[Measured]] = defaultdict(list)
        for slot, entry in zip(self.planned, self.own, strict=True) if self.slots else ():
            found[slot.example].append(entry)
        return found


def certificate_of(mixture: Mixture, drawn: Mapping[str, Drawn], packs: Sequence[Pack]) -> dict[str, Any]:
    """Return the certificate."""
    everything = [entry for part in drawn.values() for entry in part.own]
    lengths = [entry.tokens for entry in everything]
    actual = sum(lengths)
    pages = Counter(entry.images for entry in everything)
    return {
        "tokens": {"target": mixture.tokens, "actual": actual},
        "components": {name: _component(part) for name, part in drawn.items()},
        "packs": len(packs),
        "fewest_packs": fewest_packs(lengths, mixture.sequence_length),
        "fill": actual / (len(packs) * mixture.sequence_length),
        "repeats": len(everything) - len({entry.example for entry in everything}),
        "documents": len({entry.cluster for entry in everything}),
        "attention": sum([length**2 for each in packs for length in each.lengths]),
        "page_counts": {str(count): number for count, number in sorted(pages.items())},
    }


def _component(part: Drawn) -> dict[str, Any]:
    by_task: defaultdict[str, list[int]] = defaultdict(list)
    for entry in part.own:
        by_task[entry.task].append(entry.tokens)
    targets = part.tasks or dict.fromkeys(sorted(by_task))
    too_long = [entry.tokens for entry in part.too_long]
    lengths = [entry.tokens for entry in part.planned]
    available = [entry.tokens for entry in part.available]
    planned, longest, actual = sum(lengths), max(lengths, default=0), sum(map(sum, by_task.values()))
    return {
        "source": part.source,
        "target": part.target,
        "actual": actual,
        "error": {"tokens": planned - part.target, "longest": longest, "within": abs(planned - part.target) <= longest},
        "padded": planned - actual,
        "examples": len(part.own),
        "exposures": _exposures(part.own),
        "tasks": {
            task: {"target": target, "actual": sum(by_task[task]), "examples": len(by_task[task])}
            for task, target in targets.items()
        },
        "lengths": [
            _length(lengths, available, span, weight) for span, weight in zip(part.ranges, part.weights, strict=True)
        ],
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


def _length(planned: Sequence[int], available: Sequence[int], span: Range, weight: float) -> dict[str, Any]:
    low, high = span
    inside = [tokens for tokens in planned if low <= tokens < high]
    there = [tokens for tokens in available if low <= tokens < high]
    return {
        "from": low,
        "to": high,
        "target_share": weight,
        "share": sum(inside) / max(sum(planned), 1),
        "tokens": sum(inside),
        "examples": len(inside),
        "available": {"tokens": sum(there), "examples": len(there)},
    }


def task_rows(certificate: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    """Yield name, target, actual tokens, examples and share of each task, component and the whole, for a table."""
    whole = certificate["tokens"]
    for name, part in certificate["components"].items():
        for task, of in part["tasks"].items():
            yield _task_row(f"{name}: {task}", of, whole)
        if len(certificate["components"]) > 1:
            yield _task_row(name, part, whole)
    yield _task_row("all", whole, whole)


def _task_row(name: str, part: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[object, ...]:
    target = "" if part["target"] is None else part["target"]
    share = part["actual"] / max(whole["actual"], 1)
    return name, target, part["actual"], part.get("examples", ""), f"{share:.1%}"


def length_rows(part: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield bounds [tokens], target share, share, tokens and examples of each bin of a component, for a table."""
    for of in part["lengths"]:
        shares = f"{of['target_share']:.1%}", f"{of['share']:.1%}"
        yield of["from"], of["to"], *shares, of["tokens"], of["examples"]


def notes(certificate: Mapping[str, Any], capacity: int) -> Iterator[str]:
    """Yield how exact each component is, what no pack can hold, how often examples are shown, and the packs.

    Args:
        capacity: of a pack [tokens].
    """
    for name, part in certificate["components"].items():
        error, long, shown = part["error"], part["longer_than_pack"], part["exposures"]
        verdict, longest = "within" if error["within"] else "MORE THAN", f"{error['longest']:,} tokens"
        yield f"{name}: {error['tokens']:+,} tokens against its target, {verdict} one example ({longest})"
        if part["padded"]:
            yield f"{name}: {part['padded']:,} tokens are left empty, for the same documents and packs in all arms"
        if long["examples"]:
            left_out = f"{long['examples']:,} examples, up to {long['longest']:,} tokens"
            yield f"{name}: left out, longer than a pack: {left_out}"
        if shown["most"] > 1:
            spread = ", ".join(
                f"{number:,} examples {uses} times" for uses, number in shown["examples_by_uses"].items()
            )
            yield f"{name}: {spread}; a document up to {shown['most_of_a_document']:,} times"
    filled = f"{certificate['packs']:,} packs of {capacity:,} tokens, {certificate['fill']:.1%} full"
    yield f"{filled}; {certificate['repeats']:,} repeats; {certificate['documents']:,} documents"

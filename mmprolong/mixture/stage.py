"""The mixture stage: from measured examples and a budget to packs, with a certificate of what is in them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmprolong.errors import FeasibilityError, nearest
from mmprolong.mixture.drawing import draw, shuffled
from mmprolong.mixture.packing import pack
from mmprolong.mixture.shares import bins, native_weights, split_tokens
from mmprolong.records import Document, Measured, Pack
from mmprolong.runtime.work import Work
from mmprolong.settings.knobs import Component, LengthDistribution
from mmprolong.settings.stages import MixtureSettings
from mmprolong.store.atomic import write_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.parquet import read_parquet

Range = tuple[int, int]
"""Tokens [from, to)."""


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
    entries: Sequence[Measured]
    too_long: Sequence[Measured]
    """Examples that no pack can hold."""

    @property
    def tokens(self) -> int:
        """Drawn tokens."""
        return sum(entry.tokens for entry in self.entries)


def run(settings: MixtureSettings, work: Work) -> dict[str, Any]:
    """Write packs.jsonl and certificate.json.

    Raises:
        ConfigError: a share or an edge is impossible.
        FeasibilityError: the examples cannot fill the budget.
        Interrupted: the step was asked to stop.
    """
    mixture, drawn = settings.mixture, {}
    parts = {name: part for name, part in mixture.components.items() if part.share > 0}
    targets = split_tokens(mixture.tokens, {name: part.share for name, part in parts.items()}, "mixture.components")
    for name, part in parts.items():
        work.log.stop_if_asked()
        drawn[name] = _draw(settings, name, part, targets[name], work.inputs)
    everything = [entry for part in drawn.values() for entry in part.entries]
    packs = pack(everything, mixture.sequence_length, settings.seed)
    write_jsonl(work.out / "packs.jsonl", packs)
    certificate = _certificate(settings, drawn, everything, packs)
    write_json(work.out / "certificate.json", certificate)
    return {"tokens": certificate["tokens"]["actual"], "packs": len(packs), "fill": certificate["fill"]}


def _draw(settings: MixtureSettings, name: str, part: Component, budget: int, inputs: Mapping[str, Path]) -> Drawn:
    """Draw task by task and bin by bin; what one draw misses or exceeds is made up by the next."""
    capacity = settings.mixture.sequence_length
    measured = read_parquet(inputs[f"measurement.{part.source}"] / "measured.parquet", Measured)
    entries = shuffled((entry for entry in measured if entry.conversation == "answer"), settings.seed)
    ranges = bins(part.lengths.edges, settings.native_context, capacity)
    weights = _length_weights(part.lengths, ranges, entries, inputs["corpus"])
    tasks = split_tokens(budget, part.tasks, f"{name}.tasks") if part.tasks else {}
    drawn: list[Measured] = []
    owed = 0
    for task, target in (tasks or {"": budget}).items():
        of_task = [entry for entry in entries if entry.task == task] if task else entries
        if not of_task:
            known = {entry.task for entry in entries}
            raise FeasibilityError(f"mixture.components.{name}: no example of {task!r}; {nearest(task, known)}")
        shares = {str(index): weight for index, weight in enumerate(weights)}
        for index, tokens in sorted(split_tokens(target, shares, f"{name}.lengths").items(), key=lambda at: int(at[0])):
            low, high = ranges[int(index)]
            fitting = [entry for entry in of_task if low <= entry.tokens < high]
            where = f"mixture.components.{name}: {task or 'examples'} of {low:,} to {high - 1:,} tokens"
            chosen = draw(fitting, tokens + owed, part.repeats, where)
            owed += tokens - sum(entry.tokens for entry in chosen)
            drawn.extend(chosen)
    return Drawn(
        source=part.source,
        target=budget,
        tasks=tasks,
        ranges=ranges,
        weights=weights,
        entries=drawn,
        too_long=[entry for entry in entries if entry.tokens > capacity],
    )


def _length_weights(
    lengths: LengthDistribution, ranges: Sequence[Range], entries: Sequence[Measured], corpus: Path
) -> list[float]:
    if len(ranges) == 1:
        return [1.0]
    if lengths.tilt is not None:
        shares = [2.0 ** (lengths.tilt * index) for index in range(len(ranges))]
    else:
        per_page = sum(entry.tokens for entry in entries) / max(sum(entry.images for entry in entries), 1)
        documents = read_jsonl(corpus / "documents.jsonl", Document)
        found = [round(document.pages * per_page) for document in documents]
        shares = native_weights(found, ranges)
        if not sum(shares):
            raise FeasibilityError(
                f"lengths.edges: no document of the pool has {ranges[0][0]:,} to {ranges[-1][1]:,} tokens (the longest "
                f"has {max(found):,}); add longer documents or choose a length_distribution that is not pool_native"
            )
    return [share / sum(shares) for share in shares]


def _certificate(
    settings: MixtureSettings, drawn: Mapping[str, Drawn], everything: Sequence[Measured], packs: Sequence[Pack]
) -> dict[str, Any]:
    actual = sum(entry.tokens for entry in everything)
    pages = Counter(entry.images for entry in everything)
    return {
        "tokens": {"target": settings.mixture.tokens, "actual": actual},
        "components": {name: _component(part) for name, part in drawn.items()},
        "packs": len(packs),
        "fill": actual / (len(packs) * settings.mixture.sequence_length),
        "repeats": len(everything) - len({entry.example for entry in everything}),
        "documents": len({entry.cluster for entry in everything}),
        "attention": sum(length**2 for each in packs for length in each.lengths),
        "page_counts": {str(count): number for count, number in sorted(pages.items())},
    }


def _component(part: Drawn) -> dict[str, Any]:
    targets = part.tasks or dict.fromkeys(sorted({entry.task for entry in part.entries}))
    too_long = [entry.tokens for entry in part.too_long]
    return {
        "source": part.source,
        "target": part.target,
        "actual": part.tokens,
        "examples": len(part.entries),
        "tasks": {task: {"target": target, **_totals(part, task)} for task, target in targets.items()},
        "lengths": [_length(part, span, weight) for span, weight in zip(part.ranges, part.weights, strict=True)],
        "longer_than_pack": {"examples": len(too_long), "tokens": sum(too_long), "longest": max(too_long, default=0)},
    }


def _totals(part: Drawn, task: str) -> dict[str, int]:
    chosen = [entry.tokens for entry in part.entries if entry.task == task]
    return {"actual": sum(chosen), "examples": len(chosen)}


def _length(part: Drawn, span: Range, weight: float) -> dict[str, Any]:
    inside = [entry.tokens for entry in part.entries if span[0] <= entry.tokens < span[1]]
    return {
        "from": span[0],
        "to": span[1],
        "target_share": weight,
        "share": sum(inside) / max(part.tokens, 1),
        "tokens": sum(inside),
        "examples": len(inside),
    }

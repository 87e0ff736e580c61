"""The mixture stage: from measured examples and a budget to packs, with a certificate of what is in them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import FeasibilityError, nearest
from mmprolong.mixture.certificate import Drawn, certificate_of
from mmprolong.mixture.drawing import draw, shuffled
from mmprolong.mixture.matching import Slot, fill, filled_packs, slots_of
from mmprolong.mixture.packing import pack
from mmprolong.mixture.shares import Range, bins, document_lengths, native_weights, split_tokens
from mmprolong.records import Measured
from mmprolong.runtime.work import Work
from mmprolong.settings.data import Component, LengthDistribution
from mmprolong.settings.stages import MixtureSettings
from mmprolong.store.atomic import write_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.lines_by_key import LinesByKey
from mmprolong.store.parquet import read_parquet


def run(settings: MixtureSettings, work: Work) -> dict[str, Any]:
    """Write packs.jsonl and certificate.json.

    Raises:
        ConfigError: a share or an edge is impossible.
        FeasibilityError: the examples cannot fill the budget; says what is missing in every bin.
        Interrupted: the step was asked to stop.
    """
    mixture, drawn = settings.mixture, {}
    parts = {name: part for name, part in mixture.components.items() if part.share > 0}
    targets = split_tokens(mixture.tokens, {name: part.share for name, part in parts.items()}, "mixture.components")
    for name, part in parts.items():
        work.log.stop_if_asked()
        drawn[name] = _draw(settings, name, part, targets[name], work.inputs)
    everything = [entry for part in drawn.values() for entry in part.planned]
    packs = pack(everything, mixture.sequence_length, settings.seed)
    if filled := {name: rows for part in drawn.values() for name, rows in part.filled.items()}:
        packs = filled_packs(packs, filled)
    write_jsonl(work.out / "packs.jsonl", packs)
    certificate = certificate_of(settings.mixture, drawn, packs)
    write_json(work.out / "certificate.json", certificate)
    return {"tokens": certificate["tokens"]["actual"], "packs": len(packs), "fill": certificate["fill"]}


def _draw(settings: MixtureSettings, name: str, part: Component, budget: int, inputs: Mapping[str, Path]) -> Drawn:
    """Draw task by task and bin by bin; what one draw misses or exceeds is made up by the next."""
    capacity, where = settings.mixture.sequence_length, f"mixture.components.{name}"
    slots: dict[str, Slot] = {}
    if part.matched.sources:
        measured = {source: _measured(inputs, source) for source in part.matched.sources}
        slots = {slot.entry.example: slot for slot in slots_of(measured, part.matched.tasks, where)}
        entries = shuffled((slot.entry for slot in slots.values()), settings.seed)
    else:
        entries = shuffled(_measured(inputs, part.source), settings.seed)
    ranges = bins(part.lengths.edges, settings.native_context, capacity)
    weights = _length_weights(part.lengths, ranges, entries, inputs["corpus"])
    tasks = split_tokens(budget, part.tasks, f"{name}.tasks") if part.tasks else {}
    cells = _cells({"": budget} if slots or not tasks else tasks, ranges, weights, entries, where)
    _refuse_unfeasible(cells, part.repeats)
    drawn: list[Measured] = []
    owed = 0
    for place, tokens, fitting in cells:
        chosen = draw(fitting, tokens + owed, part.repeats, place)
        owed += tokens - sum(entry.tokens for entry in chosen)
        drawn.extend(chosen)
    return Drawn(
        source=part.source,
        target=budget,
        tasks=tasks,
        ranges=ranges,
        weights=weights,
        planned=drawn,
        own=fill(drawn, slots, part.source, part.tasks, part.matched.tasks) if slots else drawn,
        available=entries,
        slots=bool(slots),
        too_long=[entry for entry in entries if entry.tokens > capacity],
    )


def _measured(inputs: Mapping[str, Path], source: str) -> list[Measured]:
    folder = inputs.get(f"measurement.{source}") or inputs[f"matched.{source}"]  # of another arm: not drawn from
    rows = read_parquet(folder / "measured.parquet", Measured)
    return [entry for entry in rows if entry.conversation == "answer"]


def _cells(
    tasks: Mapping[str, int], ranges: Sequence[Range], weights: Sequence[float], entries: Sequence[Measured], where: str
) -> list[tuple[str, int, list[Measured]]]:
    """Return place, tokens wanted and examples that fit, of every task in every length bin.

    Raises:
        FeasibilityError: there is no example of a task.
    """
    cells = []
    for task, target in tasks.items():
        of_task = [entry for entry in entries if entry.task == task] if task else entries
        if not of_task:
            known = {entry.task for entry in entries}
            raise FeasibilityError(f"{where}: no example of {task!r}; {nearest(task, known)}")
        shares = {str(index): weight for index, weight in enumerate(weights)}
        for index, tokens in sorted(
            split_tokens(target, shares, f"{where}.lengths").items(), key=lambda at: int(at[0])
        ):
            low, high = ranges[int(index)]
            fitting = [entry for entry in of_task if low <= entry.tokens < high]
            cells.append((f"{where}: {task or 'examples'} of {low:,} to {high - 1:,} tokens", tokens, fitting))
    return cells


def _refuse_unfeasible(cells: Sequence[tuple[str, int, Sequence[Measured]]], repeats: int) -> None:
    """Refuse a mixture if several cells cannot be filled, with a line for every cell; `draw` refuses a single one.

    Raises:
        FeasibilityError: at least two cells want more tokens than there are.
    """
    rows = [(place, wanted, sum(entry.tokens for entry in fitting), len(fitting)) for place, wanted, fitting in cells]
    lacking = [wanted > available * (repeats or wanted) for _, wanted, available, _ in rows]
    if sum(lacking) > 1:
        lines = [
            f"{place}: {wanted:,} tokens wanted, {available:,} in {count:,} examples{'; too few' if lacks else ''}"
            for (place, wanted, available, count), lacks in zip(rows, lacking, strict=True)
        ]
        advice = "lower mixture.tokens, change the lengths or tasks, add documents, or raise the component's repeats"
        raise FeasibilityError("\n".join([*lines, advice]))


def _length_weights(
    lengths: LengthDistribution, ranges: Sequence[Range], entries: Sequence[Measured], corpus: Path
) -> list[float]:
    if len(ranges) == 1:
        return [1.0]
    if lengths.shares:
        shares = lengths.shares
    elif lengths.tilt is not None:
        shares = [2.0 ** (lengths.tilt * index) for index in range(len(ranges))]
    else:
        found = document_lengths(entries, _document_pages(corpus / "documents.jsonl", entries))
        shares = native_weights(found, ranges)
        if not sum(shares):
            raise FeasibilityError(
                f"lengths.edges: no document of the pool has {ranges[0][0]:,} to {ranges[-1][1]:,} tokens (the longest "
                f"has {max(found):,}); add longer documents or choose a length_distribution that is not pool_native"
            )
    return [share / sum(shares) for share in shares]


def _document_pages(file: Path, entries: Sequence[Measured]) -> dict[str, int]:
    """Return the pages of the documents that examples are written on; of all where they are composed."""
    wanted = {entry.cluster for entry in entries}
    documents = LinesByKey(file, _Sized)
    found = {name: len(one.page_sizes) for name in wanted for one in documents.lines(name)}
    return found or {one.id: len(one.page_sizes) for one in read_jsonl(file, _Sized)}


class _Sized(msgspec.Struct):
    """Of a document, its id and its pages alone."""

    id: str
    page_sizes: list[msgspec.Raw] = []

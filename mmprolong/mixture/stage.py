"""The mixture stage: from a pool of instances and a budget to packs, with a certificate of what is in them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmprolong.errors import FeasibilityError, nearest
from mmprolong.mixture.packing import pack
from mmprolong.mixture.selection import Entry, draw, shuffled
from mmprolong.mixture.shares import bins, native_weights, split_tokens, task_weights
from mmprolong.records import Document, Pack, read_jsonl, write_jsonl
from mmprolong.runtime.run_log import RunLog
from mmprolong.settings.knobs import Mixture
from mmprolong.settings.stages import MixtureSettings
from mmprolong.store.store import write_json


def run(settings: MixtureSettings, inputs: Mapping[str, Path], folder: Path, log: RunLog) -> dict[str, Any]:
    """Write `packs.jsonl` and `certificate.json`.

    Raises:
        ConfigError: a share or an edge is impossible.
        FeasibilityError: the instances cannot fill the budget.
        Interrupted: the step was asked to stop.
    """
    mixture = settings.mixture
    long = _entries(inputs["source"])
    log.stop_if_asked()
    short_tokens = round(mixture.tokens * mixture.short)
    ranges = bins(mixture.length.edges, settings.window, mixture.pack)
    weights = _length_weights(mixture, ranges, long, inputs["corpus"])
    targets = split_tokens(mixture.tokens - short_tokens, task_weights(mixture), "mixture.supervision")
    drawn = _draw_long(settings, long, targets, ranges, weights)
    short = _draw_short(settings, inputs, short_tokens)
    log.stop_if_asked()
    packs = pack([*drawn, *short], mixture.pack, settings.seed)
    write_jsonl(folder / "packs.jsonl", packs)
    certificate = _certificate(mixture, targets, ranges, weights, drawn, short, packs)
    certificate["longer_than_pack"] = _longer_than_pack(long, mixture.pack)
    write_json(folder / "certificate.json", certificate)
    return {"tokens": certificate["tokens"]["actual"], "packs": len(packs), "fill": certificate["fill"]}


def _entries(synthesis: Path) -> list[Entry]:
    return list(read_jsonl(synthesis / "instances.jsonl", Entry))


def _length_weights(
    mixture: Mixture, ranges: Sequence[tuple[int, int]], entries: Sequence[Entry], corpus: Path
) -> list[float]:
    tilt = mixture.length.tilt
    if len(ranges) == 1:
        return [1.0]
    if tilt is not None:
        shares = [2.0 ** (tilt * index) for index in range(len(ranges))]
    else:
        pages = max(sum(entry.pages for entry in entries), 1)
        per_page = sum(entry.tokens for entry in entries) / pages
        lengths = [round(each.pages * per_page) for each in read_jsonl(corpus / "documents.jsonl", Document)]
        shares = native_weights(lengths, ranges)
        if not sum(shares):
            raise FeasibilityError(
                f"length.edges: no document of the pool has {ranges[0][0]:,} to {ranges[-1][1]:,} tokens (the longest "
                f"has {max(lengths):,}); add longer documents or choose a length_distribution that is not pool_native"
            )
    return [share / sum(shares) for share in shares]


def _draw_long(
    settings: MixtureSettings,
    entries: Sequence[Entry],
    targets: Mapping[str, int],
    ranges: Sequence[tuple[int, int]],
    weights: Sequence[float],
) -> list[Entry]:
    """Draw task by task and bin by bin; what one draw misses or exceeds is made up by the next."""
    order = shuffled(entries, settings.seed)
    drawn: list[Entry] = []
    owed = 0
    for task, budget in targets.items():
        of_task = [entry for entry in order if entry.task == task]
        if not of_task:
            raise FeasibilityError(
                f"mixture: no instance of {task!r}; {nearest(task, {entry.task for entry in entries})}"
            )
        parts = split_tokens(budget, {str(index): weight for index, weight in enumerate(weights)}, "length.tilt")
        for index, part in sorted(parts.items(), key=lambda item: int(item[0])):
            low, high = ranges[int(index)]
            fitting = [entry for entry in of_task if low <= entry.tokens < high]
            where = f"mixture: {task} of {low:,} to {high:,} tokens"
            chosen = draw(fitting, part + owed, settings.mixture.repeat, where)
            owed += part - sum(entry.tokens for entry in chosen)
            drawn.extend(chosen)
    return drawn


def _draw_short(settings: MixtureSettings, inputs: Mapping[str, Path], tokens: int) -> list[Entry]:
    if tokens <= 0:
        return []
    fitting = [entry for entry in _entries(inputs["short"]) if entry.tokens <= settings.mixture.pack]
    return draw(shuffled(fitting, settings.seed), tokens, settings.mixture.repeat, "mixture: short data")


def _certificate(
    mixture: Mixture,
    targets: Mapping[str, int],
    ranges: Sequence[tuple[int, int]],
    weights: Sequence[float],
    drawn: Sequence[Entry],
    short: Sequence[Entry],
    packs: Sequence[Pack],
) -> dict[str, Any]:
    everything = [*drawn, *short]
    actual = sum(entry.tokens for entry in everything)
    return {
        "tokens": {"target": mixture.tokens, "actual": actual},
        "tasks": {task: {"target": target, **_totals(drawn, task)} for task, target in targets.items()},
        "lengths": [_length(drawn, span, weight) for span, weight in zip(ranges, weights, strict=True)],
        "short": {"target": mixture.tokens - sum(targets.values()), "actual": sum(entry.tokens for entry in short)},
        "packs": len(packs),
        "fill": actual / (len(packs) * mixture.pack),
        "repeats": len(everything) - len({entry.id for entry in everything}),
        "documents": len({entry.document for entry in everything}),
        "attention": sum(length**2 for each in packs for length in each.lengths),
        "page_counts": {str(pages): number for pages, number in sorted(Counter(e.pages for e in everything).items())},
    }


def _longer_than_pack(entries: Sequence[Entry], capacity: int) -> dict[str, int]:
    """What no pack can hold, and so is never drawn."""
    lengths = [entry.tokens for entry in entries if entry.tokens > capacity]
    return {"instances": len(lengths), "tokens": sum(lengths), "longest": max(lengths, default=0)}


def _totals(drawn: Sequence[Entry], task: str) -> dict[str, int]:
    chosen = [entry.tokens for entry in drawn if entry.task == task]
    return {"actual": sum(chosen), "instances": len(chosen)}


def _length(drawn: Sequence[Entry], span: tuple[int, int], weight: float) -> dict[str, Any]:
    inside = [entry.tokens for entry in drawn if span[0] <= entry.tokens < span[1]]
    share = sum(inside) / max(sum(entry.tokens for entry in drawn), 1)
    return {
        "from": span[0],
        "to": span[1],
        "target_share": weight,
        "share": share,
        "tokens": sum(inside),
        "instances": len(inside),
    }

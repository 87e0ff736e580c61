"""How many examples an arm was trained on, and how long they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from mmprolong.pipeline.plan import Point
from mmprolong.records import Measured, Pack, read_jsonl
from mmprolong.reporting.sources.runs import Runs
from mmprolong.store.parquet import read_parquet

TOTAL = "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Lengths of some examples."""

    pages: tuple[int, ...]
    tokens: tuple[int, ...]

    @property
    def mean_pages(self) -> float:
        """Mean pages of an example."""
        return fmean(self.pages)

    @property
    def median_pages(self) -> float:
        """Pages of the middle example."""
        return median(self.pages)

    @property
    def mean_tokens(self) -> float:
        """Mean tokens of an example, images included."""
        return fmean(self.tokens)


def trained_on(runs: Runs) -> dict[str, dict[str, Lengths]]:
    """Label -> task, and `total` -> the examples in the packs of an arm's first seed.

    Empty where the runs were not read from a store; arms whose mixture is not drawn yet are left out.

    Raises:
        DataError: a file of measured examples or of packs is damaged.
    """
    store = runs.store
    if store is None:
        return {}
    found = {label: _by_task(list(_drawn(store, runs, runs.plan.of(label)[0]))) for label in runs.plan.labels}
    return {label: lengths for label, lengths in found.items() if lengths}


def _drawn(store: Path, runs: Runs, point: Point) -> Iterator[Measured]:
    for phase in runs.plan.own_phases(point):
        packs = store / "mixture" / point.steps[f"mixture.{phase}"] / "packs.jsonl"
        if not packs.is_file():
            continue
        measured: dict[str, Measured] = {}
        for source in {part["source"] for part in point.config["phases"][phase]["mixture"]["components"].values()}:
            if step := point.steps.get(f"measurement.{source}"):
                path = store / "measurement" / step / "measured.parquet"
                rows = read_parquet(path, Measured)
                measured |= {row.example: row for row in rows if row.conversation == "answer"}
        for pack in read_jsonl(packs, Pack):
            yield from (measured[name] for name in pack.examples if name in measured)


def _by_task(examples: Sequence[Measured]) -> dict[str, Lengths]:
    tasks = sorted({example.task for example in examples})
    groups = {task: [one for one in examples if one.task == task] for task in tasks}
    chosen = {**groups, TOTAL: list(examples)} if examples else {}
    return {
        name: Lengths(pages=tuple(one.images for one in group), tokens=tuple(one.tokens for one in group))
        for name, group in chosen.items()
    }

"""How many instances an arm was trained on, and how long they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from mmprolong.pipeline.plan import Point
from mmprolong.records import Pack, read_jsonl
from mmprolong.reporting.sources.instances import phase_instances
from mmprolong.reporting.sources.runs import Runs

TOTAL = "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instance:
    """What is counted of a line of `instances.jsonl`."""

    id: str
    task: str
    pages: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Lengths of some instances."""

    pages: tuple[int, ...]
    tokens: tuple[int, ...]

    @property
    def mean_pages(self) -> float:
        """Pages an instance."""
        return fmean(self.pages)

    @property
    def median_pages(self) -> float:
        """Pages of the middle instance."""
        return median(self.pages)

    @property
    def mean_tokens(self) -> float:
        """Tokens an instance, images included."""
        return fmean(self.tokens)


def trained_on(runs: Runs) -> dict[str, dict[str, Lengths]]:
    """Label -> task, and `total` -> the instances in the packs of an arm's first seed.

    Empty where the runs were not read from a store; arms whose mixture is not drawn yet are left out.

    Raises:
        DataError: a file of instances or packs is damaged.
    """
    store = runs.store
    if store is None:
        return {}
    found = {label: _by_task(list(_drawn(store, runs, runs.plan.of(label)[0]))) for label in runs.plan.labels}
    return {label: lengths for label, lengths in found.items() if lengths}


def _drawn(store: Path, runs: Runs, point: Point) -> Iterator[_Instance]:
    for phase in runs.plan.own_phases(point):
        packs = store / "mixture" / point.steps[f"{phase}.mixture"] / "packs.jsonl"
        if not packs.is_file():
            continue
        written = {instance.id: instance for instance in phase_instances(store, point, phase, _Instance)}
        for pack in read_jsonl(packs, Pack):
            yield from (written[name] for name in pack.instances if name in written)


def _by_task(instances: Sequence[_Instance]) -> dict[str, Lengths]:
    tasks = sorted({instance.task for instance in instances})
    groups = {task: [one for one in instances if one.task == task] for task in tasks}
    chosen = {**groups, TOTAL: list(instances)} if instances else {}
    return {
        name: Lengths(pages=tuple(one.pages for one in group), tokens=tuple(one.tokens for one in group))
        for name, group in chosen.items()
    }

"""The training data of each arm: certificates and packs of its own phases."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.records import Measured, Pack
from mmprolong.reporting.results.runs import Runs
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmMixture:
    """The mixture of one phase of one arm, as drawn by its first seed."""

    label: str
    phase: str
    certificate: Mapping[str, Any]

    @property
    def tokens(self) -> dict[str, int]:
        """Tokens by task; a component whose tasks are drawn alike counts under its own name."""
        found: Counter[str] = Counter()
        for name, part in self.certificate["components"].items():
            drawn_alike = all(entry["target"] is None for entry in part["tasks"].values())
            found.update({name: part["actual"]} if drawn_alike else {k: v["actual"] for k, v in part["tasks"].items()})
        return {task: count for task, count in found.items() if count}


def arm_mixtures(store: Path, plan: Plan) -> list[ArmMixture]:
    """Return the finished mixtures of every arm in the plan's order; phases that all arms share are left out.

    Raises:
        ArtifactError: a finished mixture is damaged.
    """
    return [
        ArmMixture(label=label, phase=phase, certificate=read_json(folder / "certificate.json"))
        for label in plan.labels
        for phase, folder in own_mixtures(store, plan, plan.of(label)[0])
    ]


def own_mixtures(store: Path, plan: Plan, point: Point) -> Iterator[tuple[str, Path]]:
    """Yield the phases of a run that not all rows share, with the folders of their mixtures, if they are finished.

    Raises:
        ArtifactError: a finished mixture is damaged.
    """
    for phase in plan.own_phases(point):
        step = point.steps[f"mixture.{phase}"]
        if Store(store).verified("mixture", step):
            yield phase, Store(store).folder("mixture", step)


def trained_on(runs: Runs) -> dict[str, list[Measured]]:
    """Return by arm the examples in the packs of its first seed.

    Empty where the runs were not read from a store; arms whose mixture is not drawn yet are left out.

    Raises:
        ArtifactError, DataError: a file of packs or of measured examples is damaged.
    """
    if runs.store is None:
        return {}
    store, found = Store(runs.store), defaultdict[str, list[Measured]](list)
    for label in runs.plan.labels:
        point = runs.plan.of(label)[0]
        for phase, folder in own_mixtures(store.root, runs.plan, point):
            sources = {part["source"] for part in point.config["phases"][phase]["mixture"]["components"].values()}
            steps = (point.steps.get(f"measurement.{source}", "") for source in sources)
            files = [store.folder("measurement", one) for one in steps if one and store.verified("measurement", one)]
            rows = (row for file in files for row in read_parquet(file / "measured.parquet", Measured))
            measured = {row.example: row for row in rows if row.conversation == "answer"}
            names = (name for pack in read_jsonl(folder / "packs.jsonl", Pack) for name in pack.examples)
            found[label].extend(measured[name] for name in names if name in measured)
    return {label: examples for label, examples in found.items() if examples}

"""What each arm was trained on: the certificates of its mixtures."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmprolong.pipeline.plan import Plan
from mmprolong.store.atomic import read_json


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
            tasks = (
                {name: part["actual"]} if drawn_alike else {k: entry["actual"] for k, entry in part["tasks"].items()}
            )
            found.update(tasks)
        return {task: count for task, count in found.items() if count}

    @property
    def tasks(self) -> dict[str, float]:
        """Share of the tokens by task."""
        return _shares(self.tokens)

    @property
    def lengths(self) -> dict[str, float]:
        """Share of the largest component's tokens by length bin, shortest first."""
        part = max(self.certificate["components"].values(), key=lambda part: part["actual"], default={"lengths": []})
        return _shares({f"{bin_['from']:,}–{bin_['to']:,}": bin_["tokens"] for bin_ in part["lengths"]})


def arm_mixtures(store: Path, plan: Plan) -> list[ArmMixture]:
    """The finished mixtures of every arm in the plan's order; phases that all arms share are left out.

    Raises:
        ArtifactError: a finished mixture has no readable certificate.
    """
    return [mixture for label in plan.labels for mixture in _of(store, plan, label)]


def _of(store: Path, plan: Plan, label: str) -> list[ArmMixture]:
    point = plan.of(label)[0]
    steps = {phase: point.steps[f"mixture.{phase}"] for phase in plan.own_phases(point)}
    return [
        ArmMixture(label=label, phase=phase, certificate=read_json(folder / "certificate.json"))
        for phase, step in steps.items()
        if ((folder := store / "mixture" / step) / "done.json").is_file()
    ]


def _shares(tokens: Mapping[str, float]) -> dict[str, float]:
    total = sum(tokens.values())
    return {name: value / total if total else 0.0 for name, value in tokens.items()}

"""What an ablation can see as it is designed, and what it would cost to see half of that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmprolong.pipeline.plan import Point
from mmprolong.pipeline.steps import stage_of
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.statistics.components import Sample, components
from mmprolong.reporting.statistics.interval import LEVEL
from mmprolong.reporting.statistics.power import Design, cheaper, design_of, smallest
from mmprolong.reporting.tables.digits import plain
from mmprolong.reporting.tables.marks import trust_notes
from mmprolong.reporting.tables.table import Cell, Column, Table
from mmprolong.store.store import Store
from mmprolong.sweep.commands import sweep_command

_MANY = 1_000_000
"""Seeds, as good as all."""
NAMES = {"seeds": "more seeds", "documents": "more documents", "questions": "more questions", "all": "cheapest"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Machine time that the finished runs took."""

    training: float
    """Of one seed of every trained arm, with its mixture [h]; 0 if unknown."""
    question: float
    """Of one question answered and scored by one seed of every trained arm [h]; 1 if nothing is known."""
    known: bool

    def of(self, design: Design) -> float:
        """The whole comparison [h], or the number of answers if no times are known."""
        return design.seeds * (self.training + self.question * design.documents * design.questions)


def power_table(runs: Runs, comparisons: int) -> Table:
    """Rows: the design as it is, and the cheapest ways to halve what it can see.

    Args:
        comparisons: over how many the ablation's table corrects p.

    Raises:
        FeasibilityError: not enough runs are finished to know the variances.
    """
    sample = components(runs)
    now, costs = design_of(sample), costs_of(runs, sample)
    level = LEVEL / max(comparisons, 1)
    seen = smallest(now, level)
    routes = cheaper(now, seen / 2, costs.training, costs.question, level)
    rows = [_row("as it is", now, now, costs, level, runs)]
    rows += [_row(NAMES[name], route, now, costs, level, runs) for name, route in routes.items()]
    return Table(
        name=f"{runs.plan.ablation}_power",
        title=f"What {runs.plan.ablation} can see, and how to halve it",
        caption=runs.plan.question,
        columns=_columns(costs),
        rows=tuple(rows),
        notes=(*_notes(sample, now, comparisons, level, costs), *_missing(runs, now), *trust_notes(runs)),
    )


def _columns(costs: Costs) -> tuple[Column, ...]:
    unit = "cost [h]" if costs.known else "answers"
    return (
        Column(key="design", title="design", numeric=False),
        Column(key="seeds", title="seeds"),
        Column(key="documents", title="documents"),
        Column(key="questions", title="questions on each"),
        Column(key="alone", title="smallest difference, alone [points]"),
        Column(key="in_table", title="in this table [points]"),
        Column(key="cost", title=unit),
        Column(key="command", title="command", numeric=False),
    )


def _row(name: str, design: Design | None, now: Design, costs: Costs, level: float, runs: Runs) -> tuple[Cell, ...]:
    if design is None:
        return (Cell(text=name), *[Cell()] * 6, Cell(text="cannot do it alone"))
    cost = costs.of(design)
    return (
        Cell(text=name),
        Cell(text=str(design.seeds), value=design.seeds),
        Cell(text=str(design.documents), value=design.documents),
        Cell(text=f"{design.questions:.3g}", value=design.questions),
        *(_points(smallest(design, each)) for each in (LEVEL, level)),
        Cell(text=f"{cost:,.3g}" if costs.known else f"{cost:,.0f}", value=cost),
        Cell(text=command_of(design, now, runs)),
    )


def _points(effect: float) -> Cell:
    return Cell(text=plain(100 * effect), value=100 * effect)


def command_of(design: Design, now: Design, runs: Runs) -> str:
    """What launches the sweep with this design; the plan's own settings scaled, its overrides kept."""
    source = runs.plan.suite.get("source", {})
    words: list[str] = []
    if design.seeds != now.seeds:
        words.append(f"sweep.seeds=[{','.join(map(str, range(design.seeds)))}]")
    if design.documents != now.documents and source.get("documents"):
        words.append(f"suite.source.documents={round(source['documents'] * design.documents / now.documents)}")
    if design.questions != now.questions and source.get("turns"):
        words.append(f"suite.source.turns={round(source['turns'] * design.questions / now.questions)}")
    return sweep_command(runs.plan, runs.store, *words)


def _notes(sample: Sample, now: Design, comparisons: int, level: float, costs: Costs) -> tuple[str, ...]:
    found, rate = sample.components, sample.sides / now.seeds
    parts = {
        "documents": found.document / now.documents,
        "questions": found.question / now.questions / now.documents,
        "chance answers": rate * (found.document_noise + found.question_noise / now.questions) / now.documents,
        "seeds": rate * found.seed,
    }
    total = sum(parts.values()) or 1.0
    shares = ", ".join(f"{name} {part / total:.0%}" for name, part in parts.items())
    seen, floor = smallest(now, level), smallest(replace(now, seeds=_MANY), level)
    unknown = [] if costs.known else ["Times of these runs are not at hand: cost counts answered questions."]
    return (
        f"The smallest true difference that is marked in 80 % of repetitions: {plain(100 * seen)} points as one of "
        f"{comparisons} comparisons (the first step of Holm's correction), from the variances of the finished runs.",
        f"Variance of a difference: {shares}.",
        f"However many seeds, these documents and questions would not show less than {plain(100 * floor)} points.",
        *unknown,
    )


def _missing(runs: Runs, now: Design) -> list[str]:
    """That runs which are not finished count as if they were."""
    missing = len(runs.missing)
    return [f"Missing runs: {missing}; this is what {now.seeds} seeds of every arm will show."] if missing else []


def costs_of(runs: Runs, sample: Sample) -> Costs:
    """What the finished runs of a store took; without a store only answers are counted."""
    points = [runs.plan.of(label)[0] for label in runs.plan.labels]
    trained = [point for point in points if runs.plan.own_phases(point)] if runs.store else []
    training = _hours(runs.store, [(point, _trains(runs, point)) for point in trained]) if runs.store else 0.0
    answering = _hours(runs.store, [(point, ["reply", "score"]) for point in trained]) if runs.store else 0.0
    if not training and not answering:
        return Costs(training=0.0, question=1.0, known=False)
    return Costs(training=training, question=answering / (sample.documents * sample.questions), known=True)


def _trains(runs: Runs, point: Point) -> list[str]:
    return [f"{phase}.{stage}" for phase in runs.plan.own_phases(point) for stage in ("mixture", "training")]


def _hours(store: Path, asked: Sequence[tuple[Point, Sequence[str]]]) -> float:
    """Wall time of the finished steps of these roles, each once [h]."""
    steps = {(stage_of(role), point.steps[role]) for point, roles in asked for role in roles}
    records = (Store(store).record(stage, step) for stage, step in steps)
    return sum(record.seconds for record in records if record) / 3600

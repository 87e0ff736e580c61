"""What an ablation can see as it is designed, and what it would cost to see half of that."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.intervals import LEVEL
from mmprolong.reporting.statistics.power import Design, cheaper, design_of
from mmprolong.reporting.tables.model import Cell, Column, Table
from mmprolong.reporting.tables.notes import trust_notes
from mmprolong.reporting.tables.published import plain
from mmprolong.store.store import Store
from mmprolong.sweep.commands import sweep_command

NAMES = {"seeds": "more seeds", "documents": "more documents", "questions": "more questions", "all": "cheapest"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Machine time of one seed of every trained arm [h]; without known times only answers are counted."""

    training: float = 0.0
    question: float = 1.0
    """Of one question answered and scored."""
    known: bool = False

    def of(self, design: Design) -> float:
        """Return the cost of the whole comparison: hours, or the number of answers."""
        return design.seeds * (self.training + self.question * design.clusters * design.questions)


def power_table(runs: Runs, comparisons: int) -> Table:
    """Make a table of the design as it is, and of the cheapest ways to halve what it can see.

    Args:
        comparisons: over how many the ablation's table corrects p.

    Raises:
        FeasibilityError: not enough runs are finished to know the variances.
    """
    now, level = design_of(runs), LEVEL / max(comparisons, 1)
    costs, seen = costs_of(runs, now), now.smallest(level)
    designs = {
        "as it is": now,
        **{NAMES[name]: one for name, one in cheaper(now, seen / 2, costs.of, not written(runs), level).items()},
    }
    numbers = (
        "seeds",
        "documents",
        "questions on each",
        "smallest difference, alone [points]",
        "in this table [points]",
    )
    keys = ("seeds", "documents", "questions", "alone", "in_table")
    columns = [Column(key=key, title=title) for key, title in zip(keys, numbers, strict=True)]
    cost = Column(key="cost", title="cost [h]" if costs.known else "answers")
    text = [Column(key=key, title=key, numeric=False) for key in ("design", "command")]
    parts = zip(("documents and questions", "chance in replies", "seeds"), now.variances, strict=True)
    total = sum(now.variances) or 1.0
    floor = replace(now, seeds=1_000_000).smallest(level)
    missing = f"Missing runs: {len(runs.missing)}; this is what {now.seeds} seeds of every arm will show."
    notes = (
        f"The smallest true difference that is marked in 80 % of repetitions: {plain(100 * seen)} points as one of "
        f"{comparisons} comparisons (the first step of Holm's correction), from the variances of the finished runs.",
        f"Variance of a difference: {', '.join(f'{name} {part / total:.0%}' for name, part in parts)}.",
        f"However many seeds, these documents and questions would not show less than {plain(100 * floor)} points.",
        *([] if costs.known else ["Times of these runs are not at hand: cost counts answered questions."]),
        *([missing] if runs.missing else []),
        *trust_notes(runs),
    )
    return Table(
        name=f"{runs.plan.ablation}_power",
        title=f"What {runs.plan.ablation} can see, and how to halve it",
        caption=runs.plan.question,
        columns=(text[0], *columns, cost, text[1]),
        rows=tuple(_row(name, one, now, costs, level, runs) for name, one in designs.items()),
        notes=notes,
    )


def written(runs: Runs) -> list[str]:
    """Return the sources whose examples the benchmarks ask about; none if one benchmark brings its own questions."""
    config = runs.plan.of(runs.plan.baseline)[0].config
    sources = [one["source"] for one in config["suite"].get("benchmarks", {}).values()]
    return list(dict.fromkeys(sources)) if all(sources) else []


def command_of(design: Design, now: Design, runs: Runs) -> str:
    """Return what launches the sweep with this design: the plan's own settings scaled, its overrides kept."""
    words: list[str] = []
    if design.seeds != now.seeds:
        words.append(f"sweep.seeds=[{','.join(map(str, range(design.seeds)))}]")
    sources = runs.plan.of(runs.plan.baseline)[0].config.get("sources", {})
    scaled = {"documents": design.clusters / now.clusters, "questions_per_task": design.questions / now.questions}
    for name in written(runs):
        for key, times in scaled.items():
            if times != 1 and sources[name][key]:
                words.append(f"sources.{name}.{key}={round(sources[name][key] * times)}")
    return sweep_command(runs.plan, runs.store, *words)


def costs_of(runs: Runs, design: Design) -> Costs:
    """Return what the finished runs of a store took."""
    training, answers = set(), set()
    for label in runs.plan.labels if runs.store else ():
        point = runs.plan.of(label)[0]
        own = runs.plan.own_phases(point)
        trains = {f"{stage}.{phase}" for phase in own for stage in ("mixture", "training")}
        for role, step in point.steps.items() if own else ():
            stage = role.partition(".")[0]
            if role in trains:
                training.add((stage, step))
            elif stage in ("reply", "score"):
                answers.add((stage, step))
    hours = [_hours(runs, steps) for steps in (training, answers)]
    if not any(hours):
        return Costs()
    return Costs(training=hours[0], question=hours[1] / design.clusters / design.questions, known=True)


def _hours(runs: Runs, steps: Iterable[tuple[str, str]]) -> float:
    """Wall time of the finished ones of these steps [h]."""
    records = (Store(runs.store).record(*step) for step in steps) if runs.store else ()
    return sum(record.seconds for record in records if record) / 3600


def _row(name: str, design: Design | None, now: Design, costs: Costs, level: float, runs: Runs) -> tuple[Cell, ...]:
    if design is None:
        return (Cell(text=name), *[Cell()] * 6, Cell(text="cannot do it alone"))
    seen, cost = [100 * design.smallest(each) for each in (LEVEL, level)], costs.of(design)
    return (
        Cell(text=name),
        Cell.count(design.seeds),
        Cell.count(design.clusters),
        Cell.count(design.questions),
        *(Cell(text=plain(effect), value=effect) for effect in seen),
        Cell(text=f"{cost:,.3g}" if costs.known else f"{cost:,.0f}", value=cost),
        Cell(text=command_of(design, now, runs)),
    )

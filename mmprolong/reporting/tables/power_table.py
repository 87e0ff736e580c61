"""The smallest difference that an ablation can see as it is designed, and the cost of seeing half of that."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.intervals import LEVEL
from mmprolong.reporting.statistics.power import Design, cheaper, design_of
from mmprolong.reporting.tables.model import Cell, Column, Table
from mmprolong.reporting.tables.notes import trust_notes
from mmprolong.reporting.tables.published import plain
from mmprolong.store.store import Store
from mmprolong.sweep.commands import sweep_command

HOURS = "cost [h]"


def power_table(runs: Runs, comparisons: int) -> Table:
    """Make a table of the design as it is, and of the cheapest ways to halve what it can see.

    Args:
        comparisons: over how many the ablation's table corrects p.

    Raises:
        FeasibilityError: not enough runs are finished to know the variances.
    """
    now, level = design_of(runs), LEVEL / max(comparisons, 1)
    (unit, cost), seen = cost_of(runs, now), now.smallest(level)
    designs = {"as it is": now, **cheaper(now, seen / 2, cost, not written(runs), level)}
    keys = ("design", "seeds", "documents", "questions", "alone", "in_table", "cost", "command")
    alone, in_table = "smallest difference, alone [points]", "in this table [points]"
    titles = (*keys[:3], "questions on each", alone, in_table, unit, "command")
    columns = [
        Column(key=k, title=t, numeric=k not in ("design", "command")) for k, t in zip(keys, titles, strict=True)
    ]

    def row(name: str, one: Design | None) -> tuple[Cell, ...]:
        if one is None:
            return (Cell(text=name), *[Cell()] * (len(keys) - 2), Cell(text="cannot do it alone"))
        points = [100 * one.smallest(each) for each in (LEVEL, level)]
        counts = map(Cell.count, (one.seeds, one.clusters, one.questions))
        costs = Cell(text=f"{cost(one):,.3g}" if unit == HOURS else f"{cost(one):,.0f}", value=cost(one))
        seen = (Cell(text=plain(each), value=each) for each in points)
        return (Cell(text=name), *counts, *seen, costs, Cell(text=command_of(one, now, runs)))

    parts = zip(("documents and questions", "chance in replies", "seeds"), now.variances, strict=True)
    total, floor = sum(now.variances) or 1.0, replace(now, seeds=1_000_000).smallest(level)
    missing = f"Missing runs: {len(runs.missing)}; this is what {now.seeds} seeds of every arm will show."
    return Table(
        name=f"{runs.plan.ablation}_power",
        title=f"What {runs.plan.ablation} can see, and how to halve it",
        caption=runs.plan.question,
        columns=tuple(columns),
        rows=tuple(row(name, one) for name, one in designs.items()),
        notes=(
            f"The smallest true difference that is marked in 80 % of repetitions: {plain(100 * seen)} points as one "
            f"of {comparisons} comparisons (first step of Holm's correction), from the variances of the finished runs.",
            f"Variance of a difference: {', '.join(f'{name} {part / total:.0%}' for name, part in parts)}.",
            f"However many seeds, these documents and questions would not show less than {plain(100 * floor)} points.",
            *([missing] if runs.missing else []),
            *trust_notes(runs),
        ),
    )


def written(runs: Runs) -> list[str]:
    """Return the sources whose examples the benchmarks ask about; none if one benchmark brings its own questions."""
    sources = [one["source"] for one in runs.plan.suite.get("benchmarks", {}).values()]
    return list(dict.fromkeys(sources)) if all(sources) else []


def command_of(design: Design, now: Design, runs: Runs) -> str:
    """Return the command of the sweep with this design: the plan's own settings scaled, its overrides kept."""
    words: list[str] = []
    if design.seeds != now.seeds:
        words.append(f"sweep.seeds=[{','.join(map(str, range(design.seeds)))}]")
    sources = runs.plan.of(runs.plan.baseline)[0].config.get("sources", {})
    scaled = {"documents": design.clusters / now.clusters, "questions_per_task": design.questions / now.questions}
    for name, (key, times) in product(written(runs), scaled.items()):
        if times != 1 and sources[name][key]:
            words.append(f"sources.{name}.{key}={round(sources[name][key] * times)}")
    return sweep_command(runs.plan, runs.store, *words)


def cost_of(runs: Runs, now: Design) -> tuple[str, Callable[[Design], float]]:
    """Return the unit and the cost of a whole comparison: hours by the finished runs, or answers if no times are known.

    Seeds cost the training of every arm, and questions their answers.
    """
    steps: dict[str, set[tuple[str, str]]] = {"training": set(), "answers": set()}
    store = Store(runs.store or Path())
    for point in (runs.plan.of(label)[0] for label in runs.plan.labels if runs.store):
        own = {f"{stage}.{phase}" for phase in runs.plan.own_phases(point) for stage in ("mixture", "training")}
        for role, step in point.steps.items() if own else ():
            stage = role.partition(".")[0]
            if role in own or stage in ("reply", "score"):
                steps["training" if role in own else "answers"].add((stage, step))
    records = {kind: [store.record(*step) for step in each] for kind, each in steps.items()}
    hours = {kind: sum(record.seconds for record in found if record) / 3600 for kind, found in records.items()}
    if not any(hours.values()):
        return "answers", lambda one: one.seeds * one.clusters * one.questions
    answers = hours["answers"] / now.clusters / now.questions
    return HOURS, lambda one: one.seeds * (hours["training"] + answers * one.clusters * one.questions)

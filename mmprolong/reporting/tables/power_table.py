"""The smallest difference that an ablation can show as it is designed, and the cost of showing half of that."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mmprolong.pipeline.steps import stage_of
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.intervals import LEVEL
from mmprolong.reporting.statistics.power import Design, cheapest_designs, design_of
from mmprolong.reporting.tables.model import Cell, Column, Table
from mmprolong.reporting.tables.notes import trust_notes
from mmprolong.reporting.tables.published import decimal
from mmprolong.store.store import Store


def power_table(runs: Runs, comparisons: int) -> Table:
    """Make a table of the design, and of the cheapest ways to halve the smallest difference that it can show.

    Args:
        comparisons: number of those over which the ablation's table corrects p.

    Raises:
        FeasibilityError: not enough runs are finished to know the variances.
    """
    now, level = design_of(runs), LEVEL / max(comparisons, 1)
    hours, smallest = cost_in_hours(runs, now), now.smallest(level)
    designs = {"as designed": now, **cheapest_designs(now, smallest / 2, hours, not benchmark_sources(runs), level)}

    def known(make: Callable[[Design], Cell]) -> Callable[[tuple[str, Design | None]], Cell]:
        return lambda each: make(each[1]) if each[1] else Cell()

    fields = [
        (Column.of("design", numeric=False), lambda each: Cell(text=each[0])),
        (Column.of("seeds"), known(lambda one: Cell.count(one.seeds))),
        (Column.of("documents"), known(lambda one: Cell.count(one.clusters))),
        (Column.of("questions on each", "questions"), known(lambda one: Cell.count(one.questions))),
        (Column.of("smallest difference, alone [points]", "alone"), known(lambda one: Cell.points(one.smallest()))),
        (Column.of("in this table [points]", "in_table"), known(lambda one: Cell.points(one.smallest(level)))),
        (Column.of("cost [h]", "cost"), known(lambda one: Cell(text=f"{hours(one):,.3g}", value=hours(one)))),
    ]
    parts = zip(("documents and questions", "chance in replies", "seeds"), now.variances, strict=True)
    total, floor = sum(now.variances) or 1.0, replace(now, seeds=1_000_000).smallest(level)
    notes = (
        f"The smallest true difference that is significant in 80 % of repetitions: {decimal(100 * smallest)} points as "
        f"one of {comparisons} comparisons (first step of Holm's correction), by the finished runs' variances.",
        "-: more of this alone cannot halve it.",
        f"Variance of a difference: {', '.join(f'{name} {part / total:.0%}' for name, part in parts)}.",
        f"However many seeds, these documents and questions cannot show less than {decimal(100 * floor)} points.",
        *trust_notes(runs),
    )
    name, plan = f"{runs.plan.ablation}_power", runs.plan
    title = f"Smallest difference that {plan.ablation} can show, and how to halve it"
    return Table.of(name, title, fields, designs.items(), caption=plan.question, notes=notes)


def benchmark_sources(runs: Runs) -> list[str]:
    """Return the sources whose examples the benchmarks ask about; none if one benchmark brings its own questions."""
    sources = [one["source"] for one in runs.plan.suite.get("benchmarks", {}).values()]
    return list(dict.fromkeys(sources)) if all(sources) else []


def cost_in_hours(runs: Runs, now: Design) -> Callable[[Design], float]:
    """Return the hours that a design costs by the finished runs: seeds the training of every arm, questions answers."""
    store = Store(runs.store or Path())
    training, answers = dict[str, str](), dict[str, str]()
    for point in (runs.plan.of(label)[0] for label in runs.plan.labels):
        own = runs.plan.own_phases(point)
        training |= {point.steps[f"{stage}.{phase}"]: stage for phase in own for stage in ("mixture", "training")}
        replies = {step: stage_of(role) for role, step in point.steps.items() if stage_of(role) in ("reply", "score")}
        answers |= replies if own else {}
    train, answer = (
        sum(record.seconds for step, stage in steps.items() if (record := store.record(stage, step))) / 3600
        for steps in (training, answers)
    )
    return lambda one: one.seeds * (train + answer * one.clusters * one.questions / now.clusters / now.questions)

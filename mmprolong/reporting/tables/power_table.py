"""The smallest difference that an ablation can show as it is designed, and with twice the seeds or questions."""

from dataclasses import replace

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.intervals import LEVEL
from mmprolong.reporting.statistics.power import design_of
from mmprolong.reporting.tables.model import Column, Table, TableCell
from mmprolong.reporting.tables.notes import trust_notes
from mmprolong.reporting.tables.published import decimal


def power_table(runs: Runs, comparisons: int) -> Table:
    """Make a table of the design, and of those with twice the seeds, documents or questions.

    Args:
        comparisons: number of those over which the ablation's table corrects p.

    Raises:
        FeasibilityError: not enough runs are finished to know the variances.
    """
    now, level = design_of(runs), LEVEL / max(comparisons, 1)
    designs = {
        "as designed": now,
        "twice the seeds": replace(now, seeds=2 * now.seeds),
        "twice the documents": replace(now, clusters=2 * now.clusters),
        "twice the questions": replace(now, questions=2 * now.questions),
    }
    each = designs.values()
    columns = [
        Column.words("design", designs),
        Column.counts("seeds", (one.seeds for one in each)),
        Column.counts("documents", (one.clusters for one in each)),
        Column.of("questions on each", (TableCell.count(one.questions) for one in each), "questions"),
        Column.of("smallest difference, alone", (TableCell.points(one.smallest()) for one in each), "alone"),
        Column.of("in this table", (TableCell.points(one.smallest(level)) for one in each), "in_table"),
    ]
    parts = zip(("documents and questions", "chance in replies", "seeds"), now.variances, strict=True)
    total, floor = sum(now.variances) or 1.0, replace(now, seeds=1_000_000).smallest(level)
    notes = (
        "The smallest true difference [points] that is significant in 80 % of repetitions, by the finished runs' "
        f"variances: of one comparison alone, and as one of {comparisons} (first step of Holm's correction).",
        f"Variance of a difference: {', '.join(f'{name} {part / total:.0%}' for name, part in parts)}.",
        f"However many seeds, these documents and questions cannot show less than {decimal(100 * floor)} points.",
        *trust_notes(runs),
    )
    name, plan = f"{runs.plan.ablation}_power", runs.plan
    title = f"Smallest difference that {plan.ablation} can show"
    return Table(name=name, title=title, columns=columns, caption=plan.question, notes=notes)

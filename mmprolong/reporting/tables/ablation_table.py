"""The table of an ablation: our columns, then the paper's beside them, never mixed."""

from collections.abc import Mapping, Sequence

from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.statistics.arms import Arm, measured
from mmprolong.reporting.statistics.contrasts import Compared, Contrast, estimated, spread_notes
from mmprolong.reporting.statistics.estimates import SEEDS, Estimate, holm
from mmprolong.reporting.tables.agreement import agreements
from mmprolong.reporting.tables.cells import (
    NBSP,
    delta_cell,
    interval_cell,
    name_cell,
    p_cells,
    p_columns,
    provenance_columns,
    score_cell,
    seeds_cell,
    with_best,
)
from mmprolong.reporting.tables.digits import plain, signed
from mmprolong.reporting.tables.marks import launched_with, progress, provenance_cells, trust_notes
from mmprolong.reporting.tables.papers import MMPROLONG
from mmprolong.reporting.tables.summary import summary
from mmprolong.reporting.tables.table import PRINT, Cell, Column, Table

OURS = "accuracy [%]"
HEADLINE = "overall [%]"
PAPER = f"published (Qwen2.5-VL-7B, {MMPROLONG})"
NOISE = (
    f"Published: Qwen2.5-VL-7B, {MMPROLONG}; about 100 questions a cell, one run, no intervals: "
    "differences of 1–2 points there are within noise."
)
_NO_INTERVALS = "No intervals: this source keeps means, not single questions."


def ablation_table(
    runs: Runs,
    title: str,
    published: Mapping[str, Mapping[str, float]] | None = None,
    also: Mapping[str, str] | None = None,
    contrasts: Sequence[Contrast] = (),
) -> Table:
    """The rows of a plan with our results and, apart from them, the published ones.

    Args:
        published: label -> column -> score [%]; a row without one prints `-`. `overall` is compared with ours.
        also: further published columns to compare, each with the length of ours that answers it.
        contrasts: columns of further comparisons; Holm's correction counts them all.
    """
    further = estimated(runs, contrasts)
    arms = measured(runs, others=[_p(found) for found in further.values()])
    many = len(arms) - 1 + len(further)
    paper = published or {}
    columns = (*_own_columns(runs), *_further_columns(contrasts), *_published_columns(paper), *provenance_columns())
    further_cells = _further_cells(runs, arms, contrasts, further)
    rows = [
        [
            *_own_cells(arm, arms[runs.plan.baseline], runs),
            *further_cells[arm.label],
            *_published_cells(arm.label, paper, runs.plan.baseline),
            *provenance_cells(runs, arm.label),
        ]
        for arm in arms.values()
    ]
    scores = {label: row["overall"] for label, row in paper.items()}
    found = agreements(arms, runs.plan.baseline, scores)
    for column, length in (also or {}).items():
        scores = {label: row[column] for label, row in paper.items() if column in row}
        found += agreements(measured(runs, [length]), runs.plan.baseline, scores, length)
    return Table(
        name=runs.plan.ablation,
        title=title + progress(runs),
        caption=runs.plan.question,
        columns=columns,
        rows=with_best(rows, columns),
        notes=(*_notes(runs, arms, many), *([NOISE] if paper else [])),
        finding=tuple(summary(runs, arms)),
        agreements=found,
        comparisons=many,
    )


def _p(found: Estimate | None) -> float:
    """Of a planned comparison; 1 before it is run."""
    return 1.0 if found is None else found.p


def _further_columns(contrasts: Sequence[Contrast]) -> list[Column]:
    return [Column(key=each.key, title=f"{each.title} [95{NBSP}%]", group=HEADLINE) for each in contrasts]


def _further_cells(
    runs: Runs,
    arms: Mapping[str, Arm],
    contrasts: Sequence[Contrast],
    further: Mapping[tuple[str, str], Estimate | None],
) -> dict[str, list[Cell]]:
    """The cells of `_further_columns` by row, corrected together with the comparisons with the baseline."""
    own = {("", label): _p(arm.compared.difference) for label, arm in arms.items() if label != runs.plan.baseline}
    adjusted = holm({**own, **{at: _p(found) for at, found in further.items()}})
    cells: dict[str, list[Cell]] = {label: [] for label in arms}
    for contrast in contrasts:
        for label, row in cells.items():
            at = contrast.key, label
            found = further.get(at)
            if found is None:
                row.append(Cell())
                continue
            unfinished = arms[label].partial or arms[contrast.pairs[label].row].partial
            row.append(delta_cell(100 * found.value, Compared(difference=found, p=adjusted[at]), unfinished))
    return cells


def _own_columns(runs: Runs) -> list[Column]:
    lengths = [Column(key=f"accuracy_{length}", title=length, group=OURS, score=True) for length in runs.lengths]
    delta = f"Δ {runs.plan.baseline} [95{NBSP}%]"
    return [
        Column(key="arm", title="arm", numeric=False),
        Column(key="seeds", title="seeds"),
        Column(key="n", title="n"),
        *lengths,
        Column(key="overall", title="mean ± sd", group=HEADLINE, flat="overall ± sd", score=True),
        Column(key="interval", title=f"95{NBSP}%", group=HEADLINE, flat=f"overall 95{NBSP}%", only=PRINT),
        Column(key="delta", title=delta, group=HEADLINE),
        *p_columns(HEADLINE),
    ]


def _own_cells(arm: Arm, baseline: Arm, runs: Runs) -> list[Cell]:
    score, sd, delta = (None if value is None else 100 * value for value in (arm.score, arm.sd, arm.delta))
    return [
        name_cell(arm.label, arm.label in runs.stale),
        seeds_cell(arm.finished, arm.planned),
        Cell() if arm.questions is None else Cell(text=str(arm.questions), value=arm.questions),
        *(_percent(arm.accuracy.get(length)) for length in runs.lengths),
        score_cell(score, sd, arm.compared),
        interval_cell(arm.compared),
        delta_cell(delta, arm.compared, arm.partial or baseline.partial),
        *p_cells(arm.compared),
    ]


def _percent(value: float | None) -> Cell:
    return Cell() if value is None else Cell(text=plain(100 * value), value=100 * value)


def _published_names(paper: Mapping[str, Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for row in paper.values() for name in row))


def _published_columns(paper: Mapping[str, Mapping[str, float]]) -> list[Column]:
    columns = [Column.of_side("published", name, PAPER, score=True) for name in _published_names(paper)]
    return [*columns, Column(key="published_delta", title="Δ", group=PAPER, flat="published Δ")] if paper else []


def _published_cells(label: str, paper: Mapping[str, Mapping[str, float]], baseline: str) -> list[Cell]:
    if not paper:
        return []
    row = paper.get(label, {})
    cells = [
        Cell(text=plain(row[name], 2), value=row[name]) if name in row else Cell() for name in _published_names(paper)
    ]
    if not row or label == baseline or baseline not in paper:
        return [*cells, Cell()]
    delta = row["overall"] - paper[baseline]["overall"]
    return [*cells, Cell(text=signed(delta, 2), value=delta)]


def _covered(arms: Mapping[str, Arm]) -> str:
    """What the intervals of a table speak of, and whose seeds they rest on."""
    means = {label: arm.compared.mean for label, arm in arms.items() if arm.compared.mean}
    seeded = [label for label, estimate in means.items() if estimate.covers == SEEDS]
    if not seeded:
        return "95 % intervals cover documents, in pairs where arms are compared."
    alone = [label for label in means if label not in seeded]
    borrowed = [label for label in seeded if arms[label].finished == 1]
    fixed = f" (documents alone for {', '.join(alone)})" if alone else ""
    others = f" (the others' for {', '.join(borrowed)}: one run of several)" if borrowed else ""
    by = f"seeds by each arm's own{others}, documents in pairs where arms are compared"
    return f"95 % intervals cover {SEEDS}{fixed}; {by}."


def _notes(runs: Runs, arms: Mapping[str, Arm], many: int) -> list[str]:
    if not runs.results:
        return ["Ours: not run.", *launched_with(runs)]
    notes = [
        "seeds: runs (finished/planned). n: questions a run answers. "
        f"overall: mean of {', '.join(runs.overall)}; ± standard deviation over seeds."
    ]
    seeds = any(arm.compared.mean and arm.compared.mean.covers == SEEDS for arm in arms.values())
    notes.append(_covered(arms) if any(arm.compared.mean for arm in arms.values()) else _NO_INTERVALS)
    if any(arm.compared.difference for arm in arms.values()):
        notes.append(
            f"p: of the difference, by permutation of documents or by what documents{' and all seeds' * seeds} spread, "
            f"whichever is larger, after Holm's correction over {many} comparison{'s' if many > 1 else ''}. *: Δ is "
            "clear of 0 by p and by its interval; ns: by one of them it is not."
        )
        notes += spread_notes({label: arm.compared for label, arm in arms.items()})
        notes.append("Bold: best of its column. ≈: the best arm's lead over this one is not clear of 0.")
    return [*notes, *trust_notes(runs)]

"""The table of an ablation: our columns, then the paper's beside them, never mixed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmprolong.reporting.agreement import agreements
from mmprolong.reporting.arms import Arm, measure
from mmprolong.reporting.digits import plain, signed
from mmprolong.reporting.runs import Runs
from mmprolong.reporting.statistics import RESAMPLES, Estimate
from mmprolong.reporting.table import Cell, Column, Table

OURS = "accuracy [%]"
PAPER = "published (Qwen2.5-VL-7B, arXiv 2605.13831)"
NOISE = (
    "Published: Qwen2.5-VL-7B, arXiv 2605.13831; about 100 questions a cell, one run, no intervals: "
    "differences of 1–2 points there are within noise."
)


def ablation_table(
    runs: Runs,
    title: str,
    published: Mapping[str, Mapping[str, float]] | None = None,
    also: Mapping[str, str] | None = None,
) -> Table:
    """The rows of a plan with our results and, apart from them, the published ones.

    Args:
        published: label -> column -> score [%]; a row without one prints `-`. `overall` is compared with ours.
        also: further published columns to compare, each with the length of ours that answers it.
    """
    arms = measure(runs)
    paper = published or {}
    ours = [*_own_columns(runs), *_published_columns(paper)]
    rows = [[*_own_cells(arm, runs), *_published_cells(arm.label, paper, runs.plan.baseline)] for arm in arms.values()]
    scores = {label: row["overall"] for label, row in paper.items()}
    found = agreements(arms, runs.plan.baseline, scores)
    for column, length in (also or {}).items():
        scores = {label: row[column] for label, row in paper.items() if column in row}
        found += agreements(measure(runs, [length]), runs.plan.baseline, scores, length)
    return Table(
        name=runs.plan.ablation,
        title=title,
        caption=runs.plan.question,
        columns=tuple(ours),
        rows=tuple(tuple(row) for row in _with_best(rows, ours)),
        notes=(*_notes(runs, arms), *([NOISE] if paper else [])),
        agreements=found,
    )


def _own_columns(runs: Runs) -> list[Column]:
    lengths = [Column(key=f"accuracy_{length}", title=length, group=OURS) for length in runs.lengths]
    return [
        Column(key="arm", title="arm", numeric=False),
        Column(key="seeds", title="seeds"),
        Column(key="n", title="n"),
        *lengths,
        Column(key="overall", title="overall ± 95\u00a0%", group=OURS),
        Column(key="delta", title=f"Δ {runs.plan.baseline} [95\u00a0%]", group=OURS),
    ]


def _own_cells(arm: Arm, runs: Runs) -> list[Cell]:
    return [
        Cell(text=arm.label),
        Cell(text=f"{arm.finished}/{arm.planned}"),
        Cell() if arm.questions is None else Cell(text=str(arm.questions), value=arm.questions),
        *(_percent(arm.accuracy.get(length)) for length in runs.lengths),
        _overall(arm),
        Cell() if arm.delta is None else difference_cell(arm.delta, arm.difference, arm.clear),
    ]


def _percent(value: float | None) -> Cell:
    return Cell() if value is None else Cell(text=plain(100 * value), value=100 * value)


def _overall(arm: Arm) -> Cell:
    cell = _percent(arm.score)
    if arm.overall is None:
        return cell
    text = f"{cell.text} ± {plain(100 * arm.overall.half)}"
    ends = {"low": 100 * arm.overall.low, "high": 100 * arm.overall.high}
    return replace(cell, text=text, mark=" ≈" if arm.near_best else "", **ends)


def difference_cell(delta: float, found: Estimate | None, clear: bool) -> Cell:
    """A difference [points] with its interval where there is one.

    Args:
        delta: in [0, 1], as are the ends of the interval.
        clear: whether it stays clear of 0 beside the other differences of its column.
    """
    cell = Cell(text=signed(100 * delta), value=100 * delta)
    if found is None:
        return cell
    low, high = 100 * found.low, 100 * found.high
    text = f"{cell.text} [{signed(low)}, {signed(high)}]"
    return replace(cell, text=text, low=low, high=high, mark=" *" if clear else " ns")


def _published_names(paper: Mapping[str, Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for row in paper.values() for name in row))


def _published_columns(paper: Mapping[str, Mapping[str, float]]) -> list[Column]:
    names = _published_names(paper)
    columns = [
        Column(key=f"published_{name}".replace(" ", "_"), title=name, group=PAPER, flat=f"published {name}")
        for name in names
    ]
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


def _with_best(rows: Sequence[Sequence[Cell]], columns: Sequence[Column]) -> list[list[Cell]]:
    """The rows with the best of each score column in bold; what prints alike is equally good."""
    made = [list(row) for row in rows]
    for index, column in enumerate(columns):
        found = [row[index].value for row in made if row[index].value is not None]
        if column.key in {"n", "delta", "published_delta"} or len(found) < 2:
            continue
        digits = 2 if column.group == PAPER else 1
        best = round(max(value for value in found if value is not None), digits)
        for row in made:
            value = row[index].value
            row[index] = replace(row[index], best=value is not None and round(value, digits) == best)
    return made


def _notes(runs: Runs, arms: Mapping[str, Arm]) -> list[str]:
    if not runs.results:
        return ["Ours: not run."]
    notes = [f"seeds: runs finished/planned. n: questions a run answers. overall: mean of {', '.join(runs.overall)}."]
    measured = [arm.overall for arm in arms.values() if arm.overall]
    compared = [arm for arm in arms.values() if arm.difference]
    if measured:
        covered = {estimate.covers for estimate in measured}
        alone = [arm.label for arm in arms.values() if arm.overall and arm.overall.covers == "documents"]
        where = f" (documents alone for {', '.join(alone)}: one run)" if alone and len(covered) > 1 else ""
        what = "documents and seeds" if "documents and seeds" in covered else "documents"
        notes.append(f"95 % intervals cover {what}{where}; {RESAMPLES:,} resamples, the arms paired by document.")
    else:
        notes.append("No intervals: this source keeps means, not single questions.")
    if compared:
        many = f"{len(compared)} comparison{'s' if len(compared) > 1 else ''}"
        notes.append(f"*: Δ is clear of 0 after Holm's correction over {many}; ns: it is not.")
        notes.append("Bold: best of its column. ≈: the best arm's lead over this one is not clear of 0.")
    missing = [f"{point.label} (seed {point.seed})" for point in runs.missing]
    return [*notes, f"Missing: {', '.join(missing)}."] if missing else notes

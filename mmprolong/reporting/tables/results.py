"""Tables with scores: the arms of an ablation by length and benchmark, and tables of the papers with our runs."""

from collections.abc import Iterator, Mapping, Sequence

from mmprolong.errors import ConfigError, nearest
from mmprolong.evaluation.average import headline
from mmprolong.pipeline.plan import Plan
from mmprolong.records import Average
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import Against, Contrast
from mmprolong.reporting.tables.columns import Field, Layout, Row, Rows, ScoreColumn, columns_of
from mmprolong.reporting.tables.metrics import MMPROLONG, Measure
from mmprolong.reporting.tables.model import Table, with_best
from mmprolong.reporting.tables.notes import launched_with, progress, statistics_notes, trust_notes
from mmprolong.reporting.tables.published import require_columns

NO_RUNS = Runs(plan=Plan(ablation="", points=()))
ONE_RUN = "about 100 questions a cell, one run, no intervals: differences of 1–2 points there are within noise"


def ablation_table(
    runs: Runs,
    title: str,
    published: Mapping[str, Row] | None = None,
    contrasts: Sequence[Contrast] = (),
    more: Sequence[Field] = (),
    intervals: bool = False,
    notes: Sequence[str] = (),
) -> Table:
    """Make the table of a plan: its rows against the baseline, and apart from them the published ones.

    Args:
        published: label -> column -> score [%] as printed.
        contrasts: columns of further comparisons; Holm's correction counts them all.
        more: columns before the scores.
        intervals: every length has an interval.
    """
    plan = runs.plan
    others = {label: Against(row=plan.baseline) for label in plan.labels if label != plan.baseline}
    layout = Layout(
        rows=plan.labels,
        scores=_score_columns(runs),
        headline=ScoreColumn("overall", runs.average),
        contrasts=[Contrast(key="delta", title=f"Δ {plan.baseline}", pairs=others), *contrasts],
        published=published or {},
        more=more,
        intervals=intervals,
    )
    one_run = [f"Published: Qwen2.5-VL-7B, {MMPROLONG}; {ONE_RUN}."] if published else []
    averaged = [f"overall: equal shares of {_described(runs.average)}."] if runs.average else []
    return _table(plan.ablation, title, layout, runs, [*averaged, *one_run, *notes])


def comparison_table(
    name: str,
    title: str,
    source: str,
    key: str,
    rows: Sequence[Mapping[str, str]],
    measures: Sequence[Measure],
    runs: Runs | None,
    against: Mapping[str, str],
    headline: str = "overall",
    notes: Sequence[str] = (),
) -> Table:
    """Make a table of a paper: its rows as printed, then those of our plan that it does not have.

    Args:
        source: paper and table.
        key: column that names a row; our labels are its texts.
        against: row -> the row that it is compared with, in the column `headline`.

    Raises:
        ConfigError: the published rows lack a column.
    """
    require_columns(name, rows, [key, *(measure.column for measure in measures)])
    runs = runs or NO_RUNS
    printed: dict[str, Row] = {str(row[key]): {one.column: row.get(one.column, "") for one in measures} for row in rows}
    columns = {one.column: ScoreColumn(one.column, one.average(runs.cells)) for one in measures}
    pairs = {label: Against(row=other) for label, other in against.items()}
    layout = Layout(
        key=key,
        rows=[*printed, *(label for label in runs.plan.labels if label not in printed)],
        scores=[column for title, column in columns.items() if title != headline],
        headline=columns[headline],
        contrasts=[Contrast(key="delta", title="Δ", pairs=pairs)] if pairs else [],
        published=printed,
    )
    return _table(name, title, layout, runs, [f"Published: {source}; one run a row, no intervals.", *notes])


def published_baseline(rows: Sequence[Mapping[str, str]], key: str, baseline: str) -> dict[str, str]:
    """Return every row compared with one of them.

    Raises:
        ConfigError: the rows have no such column, or none of them is the baseline.
    """
    require_columns("rows", rows, [key])
    names = [str(row[key]) for row in rows]
    if rows and baseline not in names:
        what = f"{key} {baseline!r}, with which the others are compared, is no row"
        raise ConfigError(f"published rows: {what}; {nearest(baseline, names)}")
    return {name: baseline for name in names if name != baseline}


def _table(name: str, title: str, layout: Layout, runs: Runs, notes: Sequence[str]) -> Table:
    rows = Rows(layout, runs)
    fields = list(columns_of(rows))
    columns = tuple(column for column, _ in fields)
    shared = ["Ours: not run.", *launched_with(runs)]
    if runs.results:
        shared = [*statistics_notes(layout.headline.title, rows.arms, len(rows.compared)), *trust_notes(runs)]
    return Table(
        name=name,
        title=title + progress(runs),
        caption=runs.plan.question,
        columns=columns,
        rows=with_best([[make(label) for _, make in fields] for label in layout.rows], columns),
        notes=(*shared, *notes),
        comparisons=len(rows.compared),
    )


def _score_columns(runs: Runs) -> Iterator[ScoreColumn]:
    """Yield a column for each length; of several benchmarks one for the mean of each, after its lengths."""
    names = list(dict.fromkeys(cell.benchmark for cell in runs.cells))
    for name in names:
        cells = [cell for cell in runs.cells if cell.benchmark == name]
        lengths = list(dict.fromkeys(cell.length for cell in cells))
        chosen = [length for length in runs.overall if length in lengths]
        prefix = f"{name} " if len(names) > 1 else ""
        for length in lengths if chosen or not runs.overall else ():
            yield ScoreColumn(f"{prefix}{length}", headline([cell for cell in cells if cell.length == length]))
        if len(names) > 1:
            yield ScoreColumn(f"{prefix}mean", headline(cells, chosen))


def _described(average: Average) -> str:
    """Return '1x, 2x', or 'docqa (64K, 128K) and doc (8p, 16p)' of several benchmarks."""
    lengths: dict[str, dict[str, None]] = {}
    for cell in average:
        lengths.setdefault(cell.benchmark, {})[cell.length] = None
    texts = [", ".join(each) for each in lengths.values()]
    named = [f"{name} ({text})" for name, text in zip(lengths, texts, strict=True)]
    return " and ".join(named if len(named) > 1 else texts)

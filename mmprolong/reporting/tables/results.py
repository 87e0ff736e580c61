"""Tables with scores: the arms of an ablation by length and benchmark, and tables of the papers with our runs."""

from collections.abc import Iterator, Mapping, Sequence

from mmprolong import plugins
from mmprolong.errors import ConfigError, nearest
from mmprolong.evaluation.average import headline
from mmprolong.evaluation.official import OFFICIAL
from mmprolong.pipeline.plan import Plan
from mmprolong.records import PROBE, Average
from mmprolong.reporting.results.runs import Runs, restated
from mmprolong.reporting.statistics.contrasts import Against, Contrast
from mmprolong.reporting.tables.metrics import MMPROLONG, Measure
from mmprolong.reporting.tables.model import Column, Table
from mmprolong.reporting.tables.published import require_columns
from mmprolong.reporting.tables.score_table import Row, ScoreColumn, ScoreTable

NO_RUNS = Runs(plan=Plan(ablation="", points=()))
ONE_RUN = "about 100 questions a cell, one run, no intervals: differences of 1–2 points there are within noise"


def ablation_table(
    runs: Runs,
    title: str,
    published: Mapping[str, Row] | None = None,
    contrasts: Sequence[Contrast] = (),
    more: Sequence[Column] = (),
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
    averaged = [f"overall: equal shares of {_described(runs.average)}."] if runs.average else []
    one_run = [f"Published: Qwen2.5-VL-7B, {MMPROLONG}; {ONE_RUN}."] if published else []
    return ScoreTable(
        name=plan.ablation,
        title=title,
        runs=runs,
        rows=plan.labels,
        scores=_score_columns(runs),
        headline=ScoreColumn("overall", runs.average),
        contrasts=[Contrast(key="delta", title=f"Δ {plan.baseline}", pairs=others), *contrasts],
        published=published or {},
        more=more,
        intervals=intervals,
        notes=[*averaged, *one_run, *notes],
    ).build()


def comparison_table(
    name: str,
    title: str,
    source: str,
    key: str,
    rows: Sequence[Mapping[str, str]],
    measures: Sequence[Measure],
    runs: Runs | None,
    baseline: str = "",
    against: Mapping[str, str] | None = None,
    headline: str = "overall",
    names: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Table:
    """Make a table of a paper: its rows as printed, then those of our plan that it does not have.

    Marks count as in the paper's harness (`official.py`). A column that was not evaluated is left out, and a note says
    which suite evaluates it.

    Args:
        source: paper and table.
        key: column that names a row; our labels are its texts.
        baseline: the row with which all others of the paper are compared, in the column `headline`.
        against: in place of the baseline: row -> the row that it is compared with.
        names: our label of rows that are printed under another name.

    Raises:
        ConfigError: the published rows lack a column, or the baseline.
    """
    require_columns(name, rows, [key, *(measure.column for measure in measures)])
    runs, ours = restated(runs or NO_RUNS), names or {}
    labels = (ours.get(row[key], row[key]) for row in rows)
    cells = ({one.column: row.get(one.column, "") for one in measures} for row in rows)
    printed: dict[str, Row] = dict(zip(labels, cells, strict=True))
    if baseline and baseline not in printed:
        what = f"{key} {baseline!r}, with which the others are compared, is no row"
        raise ConfigError(f"published {name}: {what}; {nearest(baseline, printed)}")
    opponents = against or {label: baseline for label in printed if baseline and label != baseline}
    pairs = {label: Against(row=other) for label, other in opponents.items()}
    columns = {one.column: ScoreColumn(one.column, one.average(runs.cells, runs.plugins)) for one in measures}
    return ScoreTable(
        name=name,
        title=title,
        runs=runs,
        key=key,
        rows=[*printed, *(label for label in runs.plan.labels if label not in printed)],
        scores=[column for title, column in columns.items() if title != headline],
        headline=columns[headline],
        contrasts=[Contrast(key="delta", title="Δ", pairs=pairs)] if pairs else [],
        published=printed,
        intervals=True,
        notes=[f"Published: {source}; one run a row, no intervals.", *_evaluated(runs, columns, measures), *notes],
    ).build()


def _evaluated(runs: Runs, columns: Mapping[str, ScoreColumn], measures: Sequence[Measure]) -> Iterator[str]:
    """Yield a note on the rules that mark our columns, and on the suites that evaluate those that we lack."""
    counted = dict.fromkeys(cell.benchmark for column in columns.values() for cell in column.average)
    rules = []
    for name in counted:
        scorer = plugins.split(runs.plan.suite["benchmarks"][name]["scorer"])[0] if name in runs.plugins else ""
        official = OFFICIAL.get(runs.plugins.get(name, ""), ("",))[0]
        rules += [f"{name} by {scorer}{official and f', {official}'}"] if scorer else []
    if rules:
        yield f"Ours: {'; '.join(rules)}."
    lacking: dict[str, list[str]] = {}
    for measure in measures:
        if not columns[measure.column].average:
            lacking.setdefault(measure.suite, []).append(measure.column)
    for suite, names in lacking.items():
        which = "all columns" if len(names) == len(measures) else ", ".join(names)
        yield f"Not evaluated: {which}. suite={suite} does it."


def _score_columns(runs: Runs) -> Iterator[ScoreColumn]:
    """Yield a column for each length; of several benchmarks one for the mean of each, after its lengths.

    A benchmark of probes has a column for each kind of them in place of these.
    """
    names = list(dict.fromkeys(cell.benchmark for cell in runs.cells))
    for name in names:
        cells = [cell for cell in runs.cells if cell.benchmark == name]
        if all(cell.is_probe for cell in cells):
            for kind in dict.fromkeys(cell.task.partition(",")[0] for cell in cells):
                alike = [cell for cell in cells if cell.task.partition(",")[0] == kind]
                yield ScoreColumn(f"{name} {kind.removeprefix(PROBE)}", headline(alike))
            continue
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
    texts = {name: ", ".join(each) for name, each in lengths.items()}
    return " and ".join(f"{name} ({text})" if len(texts) > 1 else text for name, text in texts.items())

"""Cells that all tables of results have in common. Scores and differences are in percent, estimates in [0, 1]."""

from collections.abc import Sequence
from dataclasses import replace

from mmprolong.reporting.statistics.contrasts import Compared
from mmprolong.reporting.tables.digits import plain, signed
from mmprolong.reporting.tables.table import CSV, Cell, Column

PARTIAL, STALE = "†", "‡ stale"
NBSP = "\u00a0"


def name_cell(label: str, stale: bool) -> Cell:
    """The name of a row."""
    return Cell(text=label, mark=f" {STALE}" if stale else "")


def seeds_cell(finished: int, planned: int) -> Cell:
    """'(2/3)': runs that have a result, of those that are planned; nothing for a row that is not ours."""
    if not planned:
        return Cell()
    return Cell(text=f"({finished}/{planned})", mark=f" {PARTIAL}" if finished < planned else "")


def score_cell(value: float | None, sd: float | None, compared: Compared) -> Cell:
    """'89.4 ± 1.2': mean and standard deviation over seeds; '-' for the deviation of a single run."""
    if value is None:
        return Cell()
    spread = "-" if sd is None else plain(sd)
    cell = Cell(text=f"{plain(value)} ± {spread}", value=value, sd=sd, mark=" ≈" if compared.near_best else "")
    found = compared.mean
    return replace(cell, low=100 * found.low, high=100 * found.high) if found else cell


def interval_cell(compared: Compared) -> Cell:
    """'[85.9, 92.9]': the 95 % interval of a score."""
    found = compared.mean
    return Cell(text=f"[{plain(100 * found.low)}, {plain(100 * found.high)}]") if found else Cell()


def delta_cell(value: float | None, compared: Compared, partial: bool) -> Cell:
    """'+1.4 [−0.6, +3.5] ns': a difference with its 95 % interval, and whether it is clear of 0."""
    if value is None:
        return Cell()
    missing = PARTIAL if partial else ""
    found = compared.difference
    if found is None:
        return Cell(text=signed(value), value=value, mark=f" {missing}" if missing else "")
    low, high = 100 * found.low, 100 * found.high
    text = f"{signed(value)} [{signed(low)}, {signed(high)}]"
    mark = f" {'*' if compared.clear else 'ns'}{missing}"
    return Cell(text=text, value=value, low=low, high=high, mark=mark)


def p_columns(group: str) -> list[Column]:
    """The p of a difference: as it is, for CSV, and corrected."""
    return [Column(key="p", title="p", only=CSV), Column(key="p_holm", title="p (Holm)", group=group)]


def p_cells(compared: Compared) -> list[Cell]:
    """'0.012', or '<0.001'."""
    found, corrected = compared.difference, compared.p
    if found is None or corrected is None:
        return [Cell(), Cell()]
    return [_p_cell(found.p), _p_cell(corrected)]


def _p_cell(p: float) -> Cell:
    return Cell(text="<0.001" if p < 0.001 else f"{p:.3f}", value=p)


def provenance_columns() -> list[Column]:
    """What a row of CSV says of where it comes from."""
    return [
        Column(key="finished", title="finished", only=CSV),
        Column(key="planned", title="planned", only=CSV),
        Column(key="marks", title="marks", numeric=False, only=CSV),
        Column(key="scorer", title="scorer", numeric=False, only=CSV),
        Column(key="commit", title="commit", numeric=False, only=CSV),
    ]


def with_best(rows: Sequence[Sequence[Cell]], columns: Sequence[Column]) -> tuple[tuple[Cell, ...], ...]:
    """The rows with the best of each column of scores in bold; what prints alike is equally good."""
    made = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numbers = {row[index].text.partition(" ")[0]: row[index].value for row in made}
        known = {text: value for text, value in numbers.items() if value is not None}
        if not column.score or sum(row[index].value is not None for row in made) < 2:
            continue
        best = max(known, key=lambda text: known[text])
        for row in made:
            row[index] = replace(row[index], best=row[index].text.partition(" ")[0] == best)
    return tuple(tuple(row) for row in made)

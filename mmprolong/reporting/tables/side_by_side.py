"""Tables that count rather than score: our texts and numbers beside the paper's, row by row."""

from collections.abc import Mapping, Sequence

from mmprolong.reporting.tables.digits import parsed
from mmprolong.reporting.tables.published import require_columns
from mmprolong.reporting.tables.table import Cell, Column, Table

Row = Mapping[str, float | str]
"""Column -> a count or a text."""


def side_by_side(
    name: str,
    title: str,
    source: str,
    keys: Sequence[str],
    columns: Sequence[str],
    published: Sequence[Row],
    ours: Sequence[Row],
    notes: Sequence[str] = (),
) -> Table:
    """Rows are joined by the texts of `keys`; those that only one side has follow with `-` on the other.

    Raises:
        ConfigError: the published rows have none of the columns, or not the keys.
    """
    known = [column for column in columns if any(column in row for row in published)]
    require_columns(name, published, [*keys, *(known or columns[:1])])
    theirs = {tuple(row[key] for key in keys): row for row in published}
    own = {tuple(row[key] for key in keys): row for row in ours}
    group = f"published ({source.partition(',')[0]})"
    head = [Column(key=key.replace(" ", "_"), title=key, numeric=False) for key in keys]
    shown = [column for column in columns if any(column in row for row in ours)] or list(columns[:1])
    return Table(
        name=name,
        title=title,
        columns=(
            *head,
            *(Column.of_side("ours", column, "ours") for column in shown),
            *(Column.of_side("published", column, group) for column in known),
        ),
        rows=tuple(
            (
                *(Cell(text=str(text)) for text in key),
                *(_cell(own.get(key, {}).get(column)) for column in shown),
                *(_cell(theirs.get(key, {}).get(column)) for column in known),
            )
            for key in dict.fromkeys([*theirs, *own])
        ),
        notes=(f"Published: {source}.", *([] if ours else ["Ours: not run."]), *notes),
    )


def _cell(value: float | str | None) -> Cell:
    if value is None:
        return Cell()
    if isinstance(value, str):
        return Cell(text=value, value=parsed(value))
    return Cell(text=_short(value), value=float(value))


def _short(value: float) -> str:
    """Whole numbers in full with thousands apart, others with three significant digits."""
    return f"{value:,.0f}" if value == int(value) else f"{value:.3g}"

"""Tables and columns of counts rather than scores: our texts and numbers beside the paper's, row by row."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import arm_mixtures
from mmprolong.reporting.tables.model import Column, Table, TableCell
from mmprolong.reporting.tables.notes import override_notes
from mmprolong.reporting.tables.published import parse_number, require_columns
from mmprolong.reporting.tables.score_table import Field, Row


def count_table(
    name: str,
    title: str,
    runs: Runs | None,
    source: str,
    keys: Sequence[str],
    columns: Sequence[str],
    published: Sequence[Row],
    ours: Sequence[Row],
    notes: Sequence[str] = (),
) -> Table:
    """Make a table whose rows are joined by the texts of `keys`; those that only one side has follow with `-`.

    Raises:
        ConfigError: the published rows have none of the columns, or not the keys.
    """
    known = [column for column in columns if any(column in row for row in published)]
    require_columns(name, published, [*keys, *(known or columns[:1])])
    theirs, own = ({tuple(row[key] for key in keys): row for row in rows} for rows in (published, ours))
    shown = [column for column in columns if any(column in row for row in ours)] or list(columns[:1])
    heads = [Column.of(key, numeric=False) for key in keys]
    heads += [Column.of(title) for title in (*shown, *(f"published {column}" for column in known))]
    rows = [
        (
            *(TableCell(text=str(text)) for text in key),
            *(_cell(own.get(key, {}).get(column)) for column in shown),
            *(_cell(theirs.get(key, {}).get(column)) for column in known),
        )
        for key in dict.fromkeys([*theirs, *own])
    ]
    missing = [] if ours else ["Ours: not run."]
    notes = tuple(dict.fromkeys([f"Published: {source}.", *missing, *override_notes(runs), *notes]))
    return Table(name=name, title=title, columns=tuple(heads), rows=tuple(rows), notes=notes)


def trained_on_columns(runs: Runs) -> list[Field]:
    """Return columns of tokens, examples and pages that each row's first seed was trained on in its own phases."""
    found: dict[str, Counter[str]] = {}
    for one in arm_mixtures(runs.store, runs.plan) if runs.store else []:
        pages = {int(count): number for count, number in one.certificate["page_counts"].items()}
        counts = {"examples": sum(pages.values()), "pages": sum(count * number for count, number in pages.items())}
        found.setdefault(one.label, Counter()).update({"tokens": one.certificate["tokens"]["actual"], **counts})

    def cell(name: str, label: str) -> TableCell:
        return TableCell.count(found[label][name] if label in found else None)

    return [(Column.of(f"trained {name}"), partial(cell, name)) for name in ("tokens", "examples", "pages")]


def _cell(value: float | str | None) -> TableCell:
    return TableCell(text=value, value=parse_number(value)) if isinstance(value, str) else TableCell.count(value)

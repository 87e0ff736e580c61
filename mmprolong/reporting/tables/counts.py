"""Tables and columns of counts rather than scores: our texts and numbers beside the paper's, row by row."""

from collections import Counter
from collections.abc import Sequence

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import arm_mixtures
from mmprolong.reporting.tables.model import Column, Table, TableCell
from mmprolong.reporting.tables.notes import override_notes
from mmprolong.reporting.tables.published import parse_number, require_columns
from mmprolong.reporting.tables.score_table import Row


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
    rows = list(dict.fromkeys([*theirs, *own]))
    made = [Column.words(key, (str(row[at]) for row in rows)) for at, key in enumerate(keys)]
    made += [Column.of(column, (_cell(own.get(row, {}).get(column)) for row in rows)) for column in shown]
    made += [
        Column.of(f"published {column}", (_cell(theirs.get(row, {}).get(column)) for row in rows)) for column in known
    ]
    missing = [] if ours else ["Ours: not run."]
    notes = tuple(dict.fromkeys([f"Published: {source}.", *missing, *override_notes(runs), *notes]))
    return Table(name=name, title=title, columns=made, notes=notes)


def trained_on_columns(runs: Runs) -> list[Column]:
    """Return columns of tokens, examples and pages that each row's first seed was trained on in its own phases."""
    found: dict[str, Counter[str]] = {}
    for one in arm_mixtures(runs.store, runs.plan) if runs.store else []:
        pages = {int(count): number for count, number in one.certificate["page_counts"].items()}
        counts = {"examples": sum(pages.values()), "pages": sum(count * number for count, number in pages.items())}
        found.setdefault(one.label, Counter()).update({"tokens": one.certificate["tokens"]["actual"], **counts})
    return [
        Column.counts(f"trained {name}", (found[at][name] if at in found else None for at in runs.plan.labels))
        for name in ("tokens", "examples", "pages")
    ]


def _cell(value: float | str | None) -> TableCell:
    return TableCell(text=value, value=parse_number(value)) if isinstance(value, str) else TableCell.count(value)

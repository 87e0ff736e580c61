"""Columns that some ablations have beside those of every ablation: training data, intervals, further contrasts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mmprolong.reporting.sources.mixtures import arm_mixtures
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.statistics.arms import by_length
from mmprolong.reporting.statistics.estimates import Estimate
from mmprolong.reporting.tables.digits import plain
from mmprolong.reporting.tables.table import Cell, Column, Table

LONGPT = "longpt"
TRAINED_ON = "long-context training"
COUNTED = ("tokens", "instances", "pages")


def with_training(table: Table, runs: Runs) -> Table:
    """`table` with what each row's first seed was trained on, counted after drawing."""
    drawn = arm_mixtures(runs.store, runs.plan) if runs.store else []
    found = {one.label: _counts(one.certificate) for one in drawn if one.phase == LONGPT}
    columns = [Column(key=f"trained_{name}", title=name, group=TRAINED_ON) for name in COUNTED]
    place = [column.key for column in table.columns].index("n") + 1
    rows = [
        (*row[:place], *(_count(found.get(row[0].text, {}).get(name)) for name in COUNTED), *row[place:])
        for row in table.rows
    ]
    return replace(table, columns=(*table.columns[:place], *columns, *table.columns[place:]), rows=tuple(rows))


def with_intervals(table: Table, runs: Runs) -> Table:
    """`table` with a 95 % interval at every length."""
    rows, points = [], by_length(runs)
    for row in table.rows:
        known = points.get(row[0].text, {})
        named = zip(table.columns, row, strict=True)
        rows.append(tuple(_spread(cell, known.get(column.key.removeprefix("accuracy_"))) for column, cell in named))
    return replace(table, rows=tuple(rows))


def _counts(certificate: Mapping[str, Any]) -> dict[str, int]:
    return {
        "tokens": certificate["tokens"]["actual"],
        "instances": sum(certificate["page_counts"].values()),
        "pages": sum(int(pages) * number for pages, number in certificate["page_counts"].items()),
    }


def _count(value: int | None) -> Cell:
    return Cell() if value is None else Cell(text=f"{value:,}", value=value)


def _spread(cell: Cell, found: Estimate | None) -> Cell:
    if found is None or not found.n:
        return cell
    low, high = 100 * found.low, 100 * found.high
    return replace(cell, text=f"{cell.text} [{plain(low)}, {plain(high)}]", low=low, high=high)

"""VLMEvalKit: a judged table, as .xlsx, .tsv, .csv or .json, a row a question."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.errors import ConfigError, DataError
from mmprolong.records import Reject
from mmprolong.reporting.results.readers import Item, ResultFile, cluster_of

_TABLES = {".xlsx", ".tsv", ".csv"}
_MARKS = ("hit", "score", "match", "acc", "correct", "eval_score", "result")
"""Columns of marks, the first that is there."""
_NEEDED = {"index", "prediction"}


@dataclass(frozen=True)
class VLMEvalKitTable:
    """Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/smp/file.py (load, dump)."""

    version: ClassVar[int] = 1

    def reads(self, file: ResultFile) -> bool:
        """Tell a table with the columns `index` and `prediction`."""
        if file.path.suffix in _TABLES:
            with suppress(DataError):  # another table of the folder
                return {*_table(file, rows=0).columns} >= _NEEDED
            return False
        content = file.document
        if isinstance(content, list):
            return bool(content) and isinstance(content[0], dict) and content[0].keys() >= _NEEDED
        return isinstance(content, dict) and content.keys() >= _NEEDED

    def items(self, file: ResultFile) -> Iterator[Item | Reject]:
        """Yield the rows; the data set is what the folder's name, the model, leaves of the file's."""
        model = f"{file.path.parent.name}_"
        benchmark = file.path.stem.removeprefix(model) if file.path.stem.startswith(model) else ""
        for number, row in enumerate(_rows(file)):
            if row.get("index") in (None, ""):
                yield Reject(what=f"{file.path}: row {number}", reason="no index")
                continue
            yield Item(
                id=str(row["index"]),
                benchmark=benchmark,
                task=str(row.get("source_dataset") or row.get("mmlb_subset") or ""),
                cluster=cluster_of(row),
                question=str(row.get("question") or ""),
                target=str(row.get("answer") or ""),
                marks={name: row[name] for name in _MARKS if name in row},
                record=row,
            )


def _rows(file: ResultFile) -> Iterator[dict[str, Any]]:
    if file.path.suffix in _TABLES:
        table = _table(file)
        yield from table.astype(object).where(table.notna(), None).to_dict("records")
    elif isinstance(file.document, list):
        yield from (row for row in file.document if isinstance(row, dict))
    else:
        names, columns = zip(*file.document.items(), strict=True)
        lists = (list(column.values()) if isinstance(column, dict) else column for column in columns)
        yield from (dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True))


def _table(file: ResultFile, rows: int | None = None) -> Any:
    """Read a table, or its first rows, cells as they are written: 'None' and 'NA' are answers, not holes."""
    import pandas

    how: dict[str, Any] = {"nrows": rows, "keep_default_na": False, "na_values": [""]}
    try:
        if file.path.suffix == ".xlsx":
            return pandas.read_excel(file.path, **how)
        return pandas.read_csv(file.path, sep="\t" if file.path.suffix == ".tsv" else ",", **how)
    except ImportError as error:
        raise ConfigError(f"{file.path}: {error}; pip install openpyxl") from error
    except (ValueError, KeyError, OSError) as error:
        raise DataError(f"{file.path}: {error}; expected a table of VLMEvalKit") from error

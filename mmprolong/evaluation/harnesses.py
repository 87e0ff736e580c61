"""Files in which harnesses leave judged items: how they are opened, and a table of where each keeps its fields.

Sources: MMLongBench https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/eval.py,
VLMEvalKit https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/smp/file.py,
lm-eval https://github.com/EleutherAI/lm-evaluation-harness/blob/034ab036/lm_eval/loggers/evaluation_tracker.py,
lmms-eval https://github.com/EvolvingLMMs-Lab/lmms-eval/blob/0716c69d/lmms_eval/loggers/evaluation_tracker.py,
inspect_ai https://inspect.aisi.org.uk/reference/inspect_ai.log.html.
"""

import json
import math
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from mmprolong.errors import ConfigError, DataError

Row = dict[str, Any]
SUFFIXES = {".json", ".jsonl", ".xlsx", ".tsv", ".csv", ".eval"}
_TABLES = {".xlsx", ".tsv", ".csv"}
_DOCUMENTS = (
    *("cluster", "doc_name", "doc_id", "doc_no", "docId"),
    *("deck_name", "document", "pdf_path", "videoID", "video"),
)
"""Fields in which benchmarks name the document of a question, the first that is there."""
_NO_METRICS = {
    *("doc_id", "doc", "target", "arguments", "input", "resps", "filtered_resps", "filter", "metrics"),
    *("doc_hash", "prompt_hash", "target_hash", "submission"),
}
"""Fields of lm-eval and lmms-eval, for files that do not list their metrics."""
_COLUMNS = ("hit", "score", "match", "acc", "correct", "eval_score", "result")
"""VLMEvalKit's columns of marks, the first that is there."""
_WORDS = {"true": 1.0, "false": 0.0, "C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Marks as words; inspect_ai's letters are correct, partly, incorrect and no answer."""
_SAMPLES = re.compile(r"(?:.*?_)?samples_(.+?)(?:_\d{4}-\d\d-\d\dT[\d.-]+)?")
_OFFICIAL = re.compile(r"(?P<task>.+?)_in(?P<tokens>\d+)_size")


@dataclass(frozen=True, kw_only=True)
class Harness:
    """A harness: how its rows are known, and where they keep the fields of an item."""

    keys: set[str]
    """Fields of its rows, or of the file around them, that no harness before it has."""
    fields: Mapping[str, Sequence[str]]
    """Field of a `Score` -> its names in a row, the first that is there."""
    marks: Callable[[Row], Mapping[str, Any]]
    """Marks by metric; the first is the harness's own choice."""


def open_results(path: Path) -> tuple[str, Row, Iterator[Any]] | None:
    """Return the harness of a file, where its items belong, and its rows; None if it is of no harness.

    Raises:
        ConfigError, DataError: it may be of a harness, and cannot be read here.
    """
    around, rows = _content(path)
    first = next(rows, None)
    keys = around.keys() | (first.keys() if isinstance(first, dict) else set())
    found = next((name for name, harness in HARNESSES.items() if harness.keys <= keys), None)
    return (found, _place(path), chain([first], rows)) if found else None


def fields_of(row: Row, harness: Harness) -> Row:
    """Return the fields of a row and of the objects in it, which name question and document."""
    inner = [value for value in row.values() if isinstance(value, dict)]
    own = {name: value for name, value in row.items() if name not in harness.fields["sample"]}
    return own | {name: value for each in reversed(inner) for name, value in each.items()}


def document_of(fields: Mapping[str, Any]) -> str:
    """Return the document that fields name; empty if they name none."""
    return str(next((fields[name] for name in _DOCUMENTS if fields.get(name) not in (None, "")), ""))


def mark_of(value: Any) -> float | None:
    """Return a mark as a number; None if it is none, or not finite."""
    if isinstance(value, Mapping):
        value = next((value[name] for name in ("score", "correct", "acc", "value") if name in value), None)
    if isinstance(value, str):
        value = _WORDS.get(value.strip(), _WORDS.get(value.strip().lower(), value))
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _content(path: Path) -> tuple[Row, Iterator[Any]]:
    """Return what a file says of all its rows, and the rows; a row that is no object stays what it is."""
    if path.suffix == ".jsonl":
        return {}, _lines(path)
    if path.suffix in _TABLES:
        return {}, _records(_table(path))
    content = _archive(path) if path.suffix == ".eval" else _decoded(path.read_bytes())
    if isinstance(content, list):
        return {}, iter(content)
    if not isinstance(content, dict):
        return {}, iter(())
    if {"eval", "samples"} <= content.keys():
        return content, _inspect_rows(content)
    if {"args", "data", "metrics"} <= content.keys():
        return content, _official_rows(content["data"], content["metrics"])
    return {}, _records(content) if {"index", "prediction"} <= content.keys() else iter(())


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        yield from (_decoded(line) for line in file if line.strip())


def _records(table: Any) -> Iterator[Row]:
    """Yield the rows of a table, or of a mapping of columns."""
    import pandas

    frame = pandas.DataFrame(table, dtype=object)
    yield from frame.where(frame.notna(), None).to_dict("records")


def _table(path: Path) -> Any:
    """Read a table, cells as they are written: 'None' and 'NA' are answers, not holes."""
    import pandas

    how: dict[str, Any] = {"keep_default_na": False, "na_values": [""]}
    try:
        if path.suffix == ".xlsx":
            return pandas.read_excel(path, **how)
        return pandas.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", **how)
    except ImportError as error:
        raise ConfigError(f"{path}: {error}; pip install openpyxl") from error
    except ValueError:  # of a folder's other tables some are empty
        return None


def _archive(path: Path) -> Row:
    """Return an .eval archive as the log that it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.startswith("samples/"))
            header = json.loads(archive.read("header.json"))
            return {**header, "samples": [json.loads(archive.read(name)) for name in names]}
    except (KeyError, NotImplementedError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: {error}; write it as JSON: inspect log convert --to json") from error


def _inspect_rows(log: Row) -> Iterator[Row]:
    """Yield samples with their question as text; the benchmark is the task without its package."""
    benchmark = str(log["eval"].get("task", "")).rpartition("/")[2]
    for sample in log["samples"] or ():
        asked, target = sample.get("input") or (), sample.get("target")
        contents = [asked] if isinstance(asked, str) else [message.get("content", "") for message in asked]
        parts = [part for each in contents for part in (each if isinstance(each, list) else [{"text": each}])]
        question = " ".join(str(part["text"]) for part in parts if "text" in part)
        gold = " | ".join(target) if isinstance(target, list) else target
        yield sample | {"benchmark": benchmark, "question": question, "target": gold}


def _inspect_marks(row: Row) -> Row:
    """Return the value of each scorer; of one that gives several, by SCORER/KEY."""
    values = {name: each.get("value") for name, each in (row.get("scores") or {}).items()}
    several = {name: value if isinstance(value, dict) else {"": value} for name, value in values.items()}
    return {f"{name}/{key}".strip("/"): mark for name, each in several.items() for key, mark in each.items()}


def _official_rows(rows: Iterable[Any], metrics: Any) -> Iterator[Any]:
    """Yield rows with their metrics, which may stand in lists of the file; needles are named by their depth, too."""
    rows = list(rows)
    lists = metrics.items() if isinstance(metrics, dict) else ()
    placed = {name: each for name, each in lists if isinstance(each, list) and len(each) == len(rows)}
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            yield row
            continue
        name = str(row.get("id", row.get("question_id", number)))
        depth = f"@{row['depth']}" if "depth" in row else ""
        marks = {metric: each[number] for metric, each in placed.items()}
        yield {"metrics": marks, **row, "sample": f"{name}{depth}", "cluster": document_of(row) or name}


def _listed_marks(row: Row) -> Row:
    names = row.get("metrics")
    others = (name for name in row if name not in _NO_METRICS and mark_of(row[name]) is not None)
    return {name: row.get(name) for name in (names if isinstance(names, list) else others)}


def _place(path: Path) -> Row:
    """Return benchmark, task and length as a file is called after them; its folder may be called like the model."""
    if found := _OFFICIAL.match(path.name):
        return {"benchmark": "MMLongBench", "task": found["task"], "length": f"{int(found['tokens']) // 1024}K"}
    found = _SAMPLES.fullmatch(path.stem)
    return {"benchmark": found[1] if found else path.stem.removeprefix(f"{path.parent.name}_")}


HARNESSES = {
    "inspect_ai": Harness(
        keys={"eval", "samples"},
        fields={"sample": ("id",), "benchmark": ("benchmark",), "target": ("target",)},
        marks=_inspect_marks,
    ),
    "lm_eval": Harness(  # a filter gives marks of its own
        keys={"doc_id", "filter", "resps"},
        fields={"sample": ("doc_id",), "task": ("filter",), "target": ("target",)},
        marks=_listed_marks,
    ),
    "lmms_eval": Harness(
        keys={"doc_id", "filtered_resps"},
        fields={"sample": ("doc_id",), "target": ("target",)},
        marks=_listed_marks,
    ),
    "mmlongbench": Harness(
        keys={"args", "data", "metrics"},
        fields={"sample": ("sample",), "target": ("answer",)},
        marks=lambda row: {name: mark for name, mark in row["metrics"].items() if not name.endswith("_len")},
    ),
    "own_scores": Harness(
        keys={"sample", "cluster", "value", "target"},
        fields={name: (name,) for name in ("sample", "benchmark", "task", "length", "target")},
        marks=lambda row: {"value": row.get("value"), **row.get("also", {})},
    ),
    "vlmevalkit": Harness(
        keys={"index", "prediction"},
        fields={"sample": ("index",), "task": ("source_dataset", "mmlb_subset"), "target": ("answer",)},
        marks=lambda row: {name: row[name] for name in _COLUMNS if name in row},
    ),
}

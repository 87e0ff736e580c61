"""Judged items from the files of several harnesses, and the items that two of them have in common."""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from mmprolong.errors import ConfigError, DataError, FeasibilityError, nearest
from mmprolong.evaluation.harnesses import (
    HARNESSES,
    SUFFIXES,
    Harness,
    Row,
    document_of,
    fields_of,
    mark_of,
    open_results,
)
from mmprolong.records import Reject, Score


@dataclass(frozen=True)
class Judged:
    """The items of one run of a harness, and the rows that are no item."""

    name: str
    harness: str
    scores: tuple[Score, ...]
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True)
class Paired:
    """The items that two runs have in common: one score an item in each, under the names of the first."""

    first: tuple[Score, ...]
    second: tuple[Score, ...]
    only_first: int
    """Items that are not in the second."""
    only_second: int
    repeated: int
    """Items that stand more than once in a run: their mean counts."""


def read_judged(path: Path, metric: str = "", cluster: str = "") -> Judged:
    """Read a file of results, or all of a folder.

    Args:
        metric: that is compared; empty: the harness's own first one.
        cluster: field that names the document; empty: one that is known, else every item is its own.

    Raises:
        ConfigError: no file is there, none is of a harness that we know, or no item has the metric.
        DataError: a mark is not in [0, 1], or a log cannot be read.
    """
    if not path.exists():
        raise ConfigError(f"{path}: is not there; give a file of results, or a folder with some")
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    found = {file: opened for file in files if file.suffix in SUFFIXES and (opened := open_results(file))}
    if not found:
        raise ConfigError(f"{path}: no judged items; files of these are read: {', '.join(HARNESSES)}")
    kept = [
        _score(row, HARNESSES[name], place, f"{file}:{number}", metric, cluster)
        for file, (name, place, rows) in found.items()
        for number, row in enumerate(rows, 1)
    ]
    scores = tuple(one for one in kept if isinstance(one, Score))
    rejects = tuple(one for one in kept if isinstance(one, Reject))
    if not scores:
        raise ConfigError(f"{path}: no item has a mark; {rejects[0].what}: {rejects[0].reason} {rejects[0].detail}")
    return Judged(str(path), ", ".join(dict.fromkeys(name for name, _, _ in found.values())), scores, rejects)


def pair(first: Judged, second: Judged) -> Paired:
    """Pair the items of two runs: by id and gold answer; of two harnesses by question and gold answer.

    A benchmark's name is not compared where both sides have one alone: harnesses and suites name it as they like.

    Raises:
        FeasibilityError: they have no item in common.
    """
    by_id = first.harness == second.harness
    alone = all(len({score.benchmark for score in one.scores}) == 1 for one in (first, second))
    sides = [_grouped(one, by_id, not alone) for one in (first, second)]
    common = [key for key in sides[0] if key in sides[1]]
    if not common:
        example = " and ".join(repr(next(iter(side), ())) for side in sides)
        raise FeasibilityError(
            f"{first.name}, {second.name}: no {'id' if by_id else 'question'} with its gold answer is in both "
            f"({example}); give two runs over the same questions"
        )
    heads = [sides[0][key][0] for key in common]
    means = [[fmean(score.value for score in side[key]) for key in common] for side in sides]
    return Paired(
        *(tuple(replace(one, value=mean) for one, mean in zip(heads, each, strict=True)) for each in means),
        only_first=len(sides[0]) - len(common),
        only_second=len(sides[1]) - len(common),
        repeated=sum(max(len(side[key]) for side in sides) > 1 for key in common),
    )


def _score(row: Any, harness: Harness, place: Row, where: str, metric: str, cluster: str) -> Score | Reject:
    """Return a row as a score, or the reason why it is none.

    Raises:
        DataError: the mark is not in [0, 1].
    """
    if not isinstance(row, dict):
        return Reject(what=where, reason="not a JSON object", detail=repr(row)[:80])
    named = {field: next((row[name] for name in names if name in row), None) for field, names in harness.fields.items()}
    if named["sample"] in (None, "") or row.get("error"):
        return Reject(what=where, reason="ended in an error" if row.get("error") else "no id")
    marks, fields = harness.marks(row), fields_of(row, harness)
    chosen = metric or next(iter(marks), "")
    value = mark_of(marks.get(chosen, fields.get(chosen)))
    if value is None:
        return Reject(what=where, reason="no mark", detail=f"{chosen!r}; {nearest(chosen, marks)}")
    if not 0 <= value <= 1:
        raise DataError(f"{where}: {chosen} is {value:g}; choose a metric in [0, 1] of {', '.join(marks)}")
    texts = {name: str(each) for name, each in named.items() if each is not None}
    known: dict[str, Any] = dict.fromkeys(("benchmark", "task", "length", "target"), "") | place | texts
    document = str((fields.get(cluster) if cluster else document_of(fields)) or texts["sample"])
    facts: dict[str, Any] = {"question": str(fields["question"])} if fields.get("question") else {}
    return Score(**known, cluster=document, value=value, parsed="", facts=facts)


def _grouped(run: Judged, by_id: bool, benchmarks: bool) -> dict[tuple[str, ...], list[Score]]:
    """Return scores by task, length, id, gold answer and perhaps benchmark, or by question and gold answer.

    Several where an item was asked again; a question that stands for several items names none of them.
    """
    found: dict[tuple[str, ...], list[Score]] = defaultdict(list)
    for one in run.scores:
        asked = _plain(str(one.facts.get("question", "")))
        if by_id:
            found[one.benchmark * benchmarks, one.task, one.length, one.sample, one.target].append(one)
        elif asked:
            found[asked, _plain(one.target)].append(one)
    return {key: group for key, group in found.items() if len({score.sample for score in group}) == 1}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())

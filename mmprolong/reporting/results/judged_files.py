"""Judged items from the files of several harnesses, and the items that two of them have in common."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean

from mmprolong import plugins
from mmprolong.errors import ConfigError, DataError, FeasibilityError, nearest
from mmprolong.records import Reject, Score
from mmprolong.reporting.results.readers import Item, ItemReader, ResultFile, mark_of

READERS = "mmprolong.reporting.results.readers"
_SUFFIXES = {".json", ".jsonl", ".xlsx", ".tsv", ".csv", ".eval"}


@dataclass(frozen=True)
class Judged:
    """What one run of a harness left: its items, and what is no item."""

    name: str
    harness: str
    scores: tuple[Score, ...]
    rejects: tuple[Reject, ...] = ()

    @cached_property
    def by_item(self) -> dict[tuple[str, ...], list[Score]]:
        """Scores of each item, by benchmark, task, length, id and gold answer; several where it was asked again."""
        return _grouped(self.scores, lambda one: (*one.cell, one.sample, one.target))


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
        DataError: a mark is not in [0, 1], or a table is damaged.
    """
    found = [(name, reader, file) for file in _files(path) for name, reader in _reader_of(file)]
    if not found:
        known = ", ".join(plugins.names_in(READERS))
        raise ConfigError(f"{path}: no judged items; files of these are read: {known}")
    scores: list[Score] = []
    rejects: list[Reject] = []
    metrics: set[str] = set()
    for _, reader, file in found:
        for item in reader.items(file):
            kept = item if isinstance(item, Reject) else _score(item, metric, cluster, file.path)
            if isinstance(kept, Reject):
                rejects.append(kept)
            else:
                scores.append(kept)
            metrics |= set() if isinstance(item, Reject) else item.marks.keys()
    if not scores:
        asked = f"no item has the metric {metric!r}; {nearest(metric, metrics)}" if metric else "no item has a mark"
        raise ConfigError(f"{path}: {asked}")
    harnesses = dict.fromkeys(name for name, _, _ in found)
    return Judged(str(path), ", ".join(harnesses), tuple(scores), tuple(rejects))


def pair(first: Judged, second: Judged) -> Paired:
    """Pair the items of two runs: by id and gold answer; of two harnesses by question and gold answer.

    A benchmark's name is not compared where both sides have one alone: harnesses and suites name it as they like.

    Raises:
        FeasibilityError: they have no item in common.
    """
    if first.harness != second.harness:
        sides = [_by_question(first.scores), _by_question(second.scores)]
    else:
        alone = all(len({score.benchmark for score in one.scores}) == 1 for one in (first, second))
        sides = [{key[1:] if alone else key: scores for key, scores in one.by_item.items()} for one in (first, second)]
    common = [key for key in sides[0] if key in sides[1]]
    if not common:
        by = "id" if first.harness == second.harness else "question"
        example = " and ".join(repr(next(iter(side), ())) for side in sides)
        raise FeasibilityError(
            f"{first.name}, {second.name}: no {by} with its gold answer is in both ({example}); "
            "give two runs over the same questions"
        )
    heads = [sides[0][key][0] for key in common]
    means = [[fmean(score.value for score in side[key]) for key in common] for side in sides]
    return Paired(
        *(tuple(replace(one, value=mean) for one, mean in zip(heads, each, strict=True)) for each in means),
        only_first=len(sides[0]) - len(common),
        only_second=len(sides[1]) - len(common),
        repeated=sum(max(len(side[key]) for side in sides) > 1 for key in common),
    )


def _files(path: Path) -> Iterator[ResultFile]:
    """Yield the files that may hold results."""
    if not path.exists():
        raise ConfigError(f"{path}: is not there; give a file of results, or a folder with some")
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    yield from (ResultFile(file) for file in files if file.suffix in _SUFFIXES and file.is_file())


def _reader_of(file: ResultFile) -> Iterator[tuple[str, ItemReader]]:
    """Yield the reader of a file, if there is one."""
    for name in plugins.names_in(READERS):
        reader: ItemReader = plugins.make(READERS, name, "reader")
        if reader.reads(file):
            yield name, reader
            return


def _score(item: Item, metric: str, cluster: str, path: Path) -> Score | Reject:
    """Return the item as a score, or the reason why it has none.

    Raises:
        DataError: the mark is not in [0, 1].
    """
    names = [metric] if metric else list(item.marks)[:1]
    found = next((mark_of(each[name]) for name in names for each in (item.marks, item.record) if name in each), None)
    if found is None:
        return Reject(what=f"{path}: {item.id}", reason="no mark", detail=", ".join(names))
    if not 0 <= found <= 1:
        others = ", ".join(item.marks)
        raise DataError(f"{path}: {item.id}: {names[0]} is {found:g}; choose a metric in [0, 1] of {others}")
    named = item.record.get(cluster) if cluster else item.cluster
    return Score(
        sample=item.id,
        benchmark=item.benchmark,
        task=item.task,
        length=item.length,
        cluster=str(named or item.id),
        target=item.target,
        value=found,
        parsed="",
        facts={"question": item.question} if item.question else {},
    )


def _by_question(scores: Iterable[Score]) -> dict[tuple[str, ...], list[Score]]:
    """Return scores by question and gold answer; one that stands for several items names none of them."""
    asked = (score for score in scores if score.facts.get("question"))
    found = _grouped(asked, lambda one: (_plain(str(one.facts["question"])), _plain(one.target)))
    return {key: group for key, group in found.items() if len({score.sample for score in group}) == 1}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _grouped(scores: Iterable[Score], key: Callable[[Score], Hashable]) -> dict:
    groups: Mapping[Hashable, list[Score]] = defaultdict(list)
    for score in scores:
        groups[key(score)].append(score)
    return dict(groups)

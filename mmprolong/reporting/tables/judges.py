"""The judges of one score step: their scores, their agreement, and what a few human labels make of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from mmprolong.errors import ConfigError, DataError
from mmprolong.evaluation.judging import JUDGE
from mmprolong.records import Score
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.statistics.judges import corrected_mean, judged_mean, kappa
from mmprolong.reporting.tables.model import Column, Table, TableCell
from mmprolong.reporting.tables.published import decimal
from mmprolong.store.jsonl import read_jsonl

HUMAN = "human"
RULE = "rule"
Marks = Mapping[str, float]
"""Sample -> mark."""


class HumanLabel(msgspec.Struct, frozen=True):
    """A mark that a person gave to one reply."""

    sample: str
    value: float
    """In [0, 1]."""


def read_labels(path: Path, scores: Sequence[Score]) -> dict[str, float]:
    """Return human marks by sample.

    Raises:
        DataError: a line is no label, a mark is not in [0, 1], or a sample is unknown or labelled twice.
    """
    known, found = {score.sample for score in scores}, dict[str, float]()
    for number, label in enumerate(read_jsonl(path, HumanLabel), 1):
        where = f"{path}:{number}: {label.sample!r}"
        if label.sample not in known:
            raise DataError(f"{where}: is no sample of these scores; give the ids of scores.jsonl")
        if label.sample in found or not 0 <= label.value <= 1:
            raise DataError(f"{where}: {label.value}; give each sample one value in [0, 1]")
        found[label.sample] = label.value
    return found


def columns_of(scores: Sequence[Score]) -> dict[str, dict[str, float]]:
    """Return the marks of the judges, and of the rule where it stands beside them, by sample.

    Raises:
        ConfigError: no reply was judged.
    """
    names = sorted({name for score in scores for name in score.also if name == RULE or name.split("/")[0] == JUDGE})
    if JUDGE not in names:
        raise ConfigError("scores: no reply was judged by a language model; name a `judge` in the suite's benchmark")
    ordered = [JUDGE, *(name for name in names if name != JUDGE)]
    return {name: {score.sample: score.also[name] for score in scores if name in score.also} for name in ordered}


def judges_table(scores: Sequence[Score], labels: Marks) -> Table:
    """Make the table: a row a judge; scores in %, agreement as Cohen's kappa.

    Raises:
        ConfigError: no reply was judged.
        FeasibilityError: too few replies are labelled to correct by them.
    """
    judges = columns_of(scores)
    against = judges | ({HUMAN: dict(labels)} if labels else {})
    said = {
        name: [replace(score, value=marks[score.sample]) for score in scores if score.sample in marks]
        for name, marks in judges.items()
    }
    means = {name: judged_mean(each) for name, each in said.items()}
    corrected = (corrected_mean(each, labels) if labels else None for each in said.values())
    columns = [
        Column.words("judge", judges),
        Column.counts("n", map(len, judges.values())),
        Column.of("score", map(TableCell.mean, means.values())),
        Column.of("corrected", map(TableCell.mean, corrected)),
    ]
    for other, marks in against.items():
        cells = (TableCell() if name == other else _kappa(own, marks) for name, own in judges.items())
        columns.append(Column.of(f"κ with {other}", cells, f"kappa {other}"))
    notes = list(_notes(means, labels))
    return Table(name="judges", title="Judges of one set of replies", columns=columns, notes=notes)


def _kappa(one: Marks, other: Marks) -> TableCell:
    common = [sample for sample in one if sample in other]
    found = kappa([one[each] for each in common], [other[each] for each in common])
    return TableCell() if found is None else TableCell(text=decimal(found, 2), value=found)


def _notes(means: Mapping[str, Estimate], labels: Marks) -> Iterator[str]:
    yield (
        "Scores in % over the replies that the judge gave a verdict on, with 95 % intervals over documents. κ: Cohen's "
        "kappa, right and wrong at a mark of 0.5."
    )
    scores = [100 * found.value for name, found in means.items() if name != RULE]
    if len(scores) > 1:
        yield f"By the choice of the judge the score lies between {decimal(min(scores))} and {decimal(max(scores))} %."
    if labels:
        yield (
            f"corrected: by {len(labels)} human labels (prediction-powered; Angelopoulos et al. 2023), right if "
            "these replies were drawn at random; the interval covers the labels, too."
        )

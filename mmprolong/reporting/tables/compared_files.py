"""Runs of any harness compared item by item: the table of `mmprolong compare`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mmprolong.evaluation.average import headline
from mmprolong.evaluation.judged_files import Judged, Paired, pair
from mmprolong.records import Average
from mmprolong.reporting.statistics.intervals import Estimate, difference, holm, mean
from mmprolong.reporting.statistics.power import smallest_visible
from mmprolong.reporting.statistics.scores import arm_scores, questions_of
from mmprolong.reporting.tables.model import CONFIDENCE, Column, Table, TableCell


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedFiles:
    """One planned comparison of a run with the first."""

    second: str
    """Name of the run."""
    cell: str
    """`all`, or benchmark, task and length."""
    n: int
    clusters: int
    means: tuple[Estimate, Estimate]
    difference: Estimate
    """The second less the first."""
    pairs: Paired


def compare_files(runs: Sequence[Judged], by_cell: bool = False) -> list[ComparedFiles]:
    """Compare every run with the first, over the items that both have.

    Args:
        by_cell: compare each task and length, too.

    Raises:
        FeasibilityError: a run has no item in common with the first.
    """
    first, *others = runs
    found: list[ComparedFiles] = []
    for other in others:
        pairs = pair(first, other)
        cells = dict.fromkeys(score.cell for score in pairs.first)
        averages: dict[str, Average] = {"all": headline(cells)}
        if by_cell and len(cells) > 1:
            averages |= {" ".join(filter(None, cell)): {cell: 1.0} for cell in cells}
        for name, average in averages.items():
            questions = questions_of(pairs.first, average)
            arms = [arm_scores([side], questions) for side in (pairs.first, pairs.second)]
            found.append(
                ComparedFiles(
                    second=other.name,
                    cell=name,
                    n=len(questions.names),
                    clusters=questions.clusters,
                    means=(mean(arms[0]), mean(arms[1])),
                    difference=difference(arms[1], arms[0]),
                    pairs=pairs,
                )
            )
    p = holm({place: one.difference.p for place, one in enumerate(found)})
    return [replace(one, difference=replace(one.difference, p=p[place])) for place, one in enumerate(found)]


def compared_table(runs: Sequence[Judged], found: Sequence[ComparedFiles]) -> Table:
    """Make the table of these comparisons."""
    smallest = (smallest_visible(one.difference, len(found)) for one in found)
    columns = [
        Column.words("run", (one.second for one in found)),
        Column.words("cell", (one.cell for one in found)),
        Column.counts("n", (one.n for one in found)),
        Column.counts("documents", (one.clusters for one in found)),
        Column.of(f"first [{CONFIDENCE}]", (TableCell.mean(one.means[0]) for one in found), "first"),
        Column.of(f"this [{CONFIDENCE}]", (TableCell.mean(one.means[1]) for one in found), "second"),
        Column.of(f"Δ [{CONFIDENCE}]", (TableCell.difference(one.difference) for one in found), "difference"),
        Column.of("p", (TableCell.p(one.difference) for one in found)),
        Column.of("smallest visible Δ", map(TableCell.points, smallest), "smallest"),
        Column.of("in the first alone", (TableCell.count(one.pairs.only_first) for one in found), "only_first"),
        Column.of("in this alone", (TableCell.count(one.pairs.only_second) for one in found), "only_second"),
    ]
    notes, title = tuple(_notes(runs, found)), f"Compared with {runs[0].name}"
    return Table(name="compare", title=title, columns=columns, notes=notes, comparisons=len(found))


def _notes(runs: Sequence[Judged], found: Sequence[ComparedFiles]) -> Iterator[str]:
    yield (
        f"Scores in %, over the items that both have, paired; 95 % intervals over documents, not over seeds. p after "
        f"Holm's correction over {len(found)} comparison{'s' * (len(found) > 1)}. all: equal shares for benchmarks, "
        "lengths and tasks. smallest visible Δ: marked in 80 % of repetitions."
    )
    for run in runs:
        first = next((f"; {len(run.rejects)} are none, such as {one.what}: {one.reason}" for one in run.rejects), "")
        yield f"{run.name}: {len(run.scores)} judged items of {run.harness}{first}."
    if any(one.pairs.repeated for one in found):
        repeated = max(one.pairs.repeated for one in found)
        yield f"Items that stand more than once in a run count by their mean: {repeated}."
    if all(one.clusters == one.n for one in found) and any(one.n > 1 for one in found):
        yield "Every item counts as a document of its own: name the field of the document by --cluster if there is one."

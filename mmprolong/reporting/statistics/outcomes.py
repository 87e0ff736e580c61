"""The scores of one arm, summed by document: all that the statistics need.

The headline score is a mean over cells: over lengths, and at each length over tasks. Questions on one document are
right or wrong together, so each document's pull on the headline (its questions' deviations from their cell's mean,
weighted) is what the statistics count, once a document.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mmprolong.errors import ArtifactError
from mmprolong.records import Score

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True)
class Outcomes:
    """The scores of one arm."""

    sums: "ndarray"
    """Summed scores, (seeds, documents, cells); a cell is a length and a task."""
    counts: "ndarray"
    """Questions, (documents, cells)."""
    weights: "ndarray"
    """Share of each cell in the headline score, (cells,)."""
    documents: tuple[str, ...]
    drawn: bool = False
    """Whether a single run is one draw of several that are planned; else it is a statement about this very model."""

    @cached_property
    def accuracy(self) -> "ndarray":
        """Mean score, (seeds, cells)."""
        return self.sums.sum(1) / self.counts.sum(0)

    @cached_property
    def overall(self) -> "ndarray":
        """Headline score, (seeds,)."""
        return self.accuracy @ self.weights

    @cached_property
    def pulls(self) -> "ndarray":
        """How far each document moves `overall` from where it is, (seeds, documents); the sum of their squares is the
        variance by documents.

        What a document takes along of its cells' means is given back (the leverages of MacKinnon and White, Journal of
        Econometrics 29 (1985) 305-325).
        """
        import numpy as np

        centred = self.sums - self.accuracy[:, None, :] * self.counts
        left = np.maximum(1 - self._leverage, 1e-9)
        return centred / self.counts.sum(0) @ self.weights / left**0.5

    @cached_property
    def _leverage(self) -> "ndarray":
        """How much of the cells in which it is asked rests on each document, (documents,); 1: all."""
        part = self.counts / self.counts.sum(0)
        weight = part * self.weights
        return (weight * part).sum(1) / weight.sum(1)

    @cached_property
    def freedom(self) -> int:
        """Documents less the constraints by which they are bound to the cells' means."""
        return max(len(self.documents) - constraints(self.counts), 1)

    @cached_property
    def lone(self) -> bool:
        """Whether a cell rests on a single document, so that nothing tells how others would differ."""
        return bool(((self.counts > 0).sum(0) < 2).any())

    @cached_property
    def answer(self) -> float:
        """What a single answer can change of `overall`, at most."""
        return float((self.weights / self.counts.sum(0)).max())

    @cached_property
    def parts(self) -> "ndarray":
        """What each document adds to `overall`, mean over seeds, (documents,)."""
        return (self.sums / self.counts.sum(0) @ self.weights).mean(0)


def outcomes(runs: Sequence[Sequence[Score]], lengths: Sequence[str], planned: int = 1) -> Outcomes:
    """The scores of one arm's runs at `lengths`, summed by document.

    Args:
        planned: how many runs the arm is to have.

    Raises:
        ArtifactError: the runs did not answer the same questions, or nothing was asked at a length.
    """
    import numpy as np

    kept = [[score for score in run if score.length in lengths] for run in runs]
    cells = sorted({(score.length, score.task) for run in kept for score in run})
    documents = tuple(sorted({score.document for run in kept for score in run}))
    column, row = ({name: index for index, name in enumerate(names)} for names in (cells, documents))
    counts = np.zeros((len(kept), len(documents), len(cells)))
    sums = np.zeros_like(counts)
    for seed, run in enumerate(kept):
        for score in run:
            at = seed, row[score.document], column[score.length, score.task]
            counts[at] += 1
            sums[at] += score.value
    if (counts != counts[:1]).any():
        raise ArtifactError("scores: the seeds of an arm answered different questions; compare runs of one suite")
    weights = np.array(_weights([length for length, _ in cells], lengths))
    return Outcomes(sums=sums, counts=counts[0], weights=weights, documents=documents, drawn=planned > 1)


def constraints(counts: "ndarray") -> int:
    """How many independent combinations of cells documents are asked in; `counts` (documents, cells)."""
    import numpy as np

    return int(np.linalg.matrix_rank(counts))


def _weights(cells: Sequence[str], lengths: Sequence[str]) -> list[float]:
    """Equal shares for the lengths, and within a length for its tasks."""
    empty = [length for length in lengths if length not in cells]
    if empty:
        raise ArtifactError(f"scores: no question at length {empty[0]!r}; evaluate it, or take it out of suite.overall")
    return [1 / len(lengths) / cells.count(length) for length in cells]

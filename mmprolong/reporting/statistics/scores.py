"""The scores of an arm as arrays: each question with its cluster and its share of the mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mmprolong.records import Average, Score

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True)
class Questions:
    """The questions of a table's runs, as one average weighs them; arrays have one entry a question."""

    names: tuple[str, ...]
    cluster: "ndarray"
    """Number of the cluster, from 0."""
    cell: "ndarray"
    """Number of the cell, from 0."""
    weights: "ndarray"
    """Of each cell in the average, (cells,)."""

    @cached_property
    def clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max()) + 1

    @cached_property
    def share(self) -> "ndarray":
        """Weight of each question in the average."""
        import numpy as np

        return (self.weights / np.bincount(self.cell))[self.cell]

    @cached_property
    def counts(self) -> "ndarray":
        """Questions by cluster and cell, (clusters, cells)."""
        import numpy as np

        counts = np.zeros((self.clusters, len(self.weights)))
        np.add.at(counts, (self.cluster, self.cell), 1)
        return counts

    @cached_property
    def leverage(self) -> "ndarray":
        """Share of its cells that rests on each cluster, (clusters,); 1: all."""
        part = self.counts / self.counts.sum(0)
        weight = part * self.weights
        return (weight * part).sum(1) / weight.sum(1)

    @cached_property
    def degrees_of_freedom(self) -> int:
        """Clusters less the independent cell means that they determine; at least 1."""
        import numpy as np

        return max(self.clusters - int(np.linalg.matrix_rank(self.counts)), 1)

    @cached_property
    def single_cluster(self) -> float:
        """Square sum of the weights of cells that rest on one cluster, which shows nothing of others."""
        alone = (self.counts > 0).sum(0) < 2
        return float((self.weights[alone] ** 2).sum())


@dataclass(frozen=True)
class ArmScores:
    """The scores of one arm, in [0, 1]."""

    questions: Questions
    values: "ndarray"
    """(runs, questions)."""

    @cached_property
    def means(self) -> "ndarray":
        """The average of each run, (runs,)."""
        return self.values @ self.questions.share

    @cached_property
    def deviations(self) -> "ndarray":
        """Change of the average over the runs if a question is set to its cell's mean, (questions,)."""
        import numpy as np

        questions, mean = self.questions, self.values.mean(0)
        cell_means = np.bincount(questions.cell, mean) / np.bincount(questions.cell)
        return (mean - cell_means[questions.cell]) * questions.share

    @cached_property
    def influence(self) -> "ndarray":
        """Change of the average over the runs if a cluster's questions are set to their cells' means, (clusters,).

        Divided by sqrt(1 - leverage), as a cluster takes part of its cells' means with it.

        Source: MacKinnon and White, Journal of Econometrics 29 (1985) 305-325.
        """
        import numpy as np

        moved = np.bincount(self.questions.cluster, self.deviations, self.questions.clusters)
        return moved / np.maximum(1 - self.questions.leverage, 1e-9) ** 0.5


def questions_of(scores: Sequence[Score], average: Average) -> Questions:
    """Return the questions of one run that count in `average`, in the order of their names.

    Args:
        scores: of a run that was evaluated in all cells of the average.
    """
    import numpy as np

    chosen = sorted((score for score in scores if score.cell in average), key=_name)
    cells, clusters = sorted({score.cell for score in chosen}), sorted({score.cluster for score in chosen})
    cell_of, cluster_of = ({name: number for number, name in enumerate(names)} for names in (cells, clusters))
    return Questions(
        names=tuple(map(_name, chosen)),
        cluster=np.array([cluster_of[score.cluster] for score in chosen], int),
        cell=np.array([cell_of[score.cell] for score in chosen], int),
        weights=np.array([average[cell] for cell in cells]),
    )


def arm_scores(runs: Sequence[Sequence[Score]], questions: Questions) -> ArmScores:
    """Return the scores of an arm's runs, all of which answered these questions."""
    import numpy as np

    by_name = [{_name(score): score.value for score in run} for run in runs]
    return ArmScores(questions, np.array([[found[name] for name in questions.names] for found in by_name]))


def _name(score: Score) -> str:
    return f"{score.benchmark}/{score.sample}"

"""The power of a sweep: the smallest true difference that its own test finds."""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mmprolong.errors import FeasibilityError
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import arms_of
from mmprolong.reporting.statistics.intervals import LEVEL, Estimate
from mmprolong.reporting.statistics.scores import ArmScores

POWER = 0.8
DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The design of a comparison of two arms, and its components of variance (scores in [0, 1])."""

    seeds: int
    """Runs of each trained arm."""
    clusters: int
    questions: float
    """On each cluster."""
    cell_means: int
    """Degrees of freedom that they take from the clusters."""
    sides: int
    """Arms of the comparison that have seeds: 1 where the baseline is a model that was not trained."""
    interaction: float
    """Of arms and clusters: variance of the difference on one cluster that more seeds would leave."""
    by_question: float
    """Share of it that is another on each question."""
    residual: float
    """Variance of one question in one run, by chance in the reply."""
    seed: float
    """Variance of a run beyond its replies."""

    @property
    def variances(self) -> tuple[float, float, float]:
        """Of the difference: by interaction, by chance in replies, by seeds."""
        interaction = self.interaction * (1 - self.by_question + self.by_question / self.questions) / self.clusters
        runs = self.sides / self.seeds
        return interaction, runs * self.residual / self.questions / self.clusters, runs * self.seed

    def power(self, effect: float, level: float = LEVEL) -> float:
        """Return the chance that a true difference is found."""
        from scipy.special import ndtr

        least, error = self._least(level), max(sum(self.variances), 1e-24) ** 0.5
        return float((ndtr((effect - least) / error) + ndtr((-effect - least) / error)).mean())

    def smallest(self, level: float = LEVEL) -> float:
        """Return the smallest true difference that is found with a chance of 80 %; 1 if none is."""
        low, high = 0.0, 1.0
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (low, middle) if self.power(middle, level) >= POWER else (middle, high)
        return high

    def _least(self, level: float) -> Any:
        """Return the size from which on a difference is found: a quantile of t times the estimated standard error.

        An array of one value a repetition; every source of variance takes each of DRAWS quantiles of its law once.
        """
        import numpy as np
        from scipy.special import chdtri, stdtrit

        interaction, residual, seed = self.variances
        sources = [(interaction + residual, max(self.clusters - self.cell_means, 1))]
        if self.seeds > 1:  # chance in replies is counted by clusters and by seeds, as the test does
            sources += [((residual + seed) / self.sides, self.seeds - 1)] * self.sides
        draw, tails = np.random.default_rng(0).permutation, (np.arange(DRAWS) + 0.5) / DRAWS
        parts = np.array([part * chdtri(each, draw(tails)) / each for part, each in sources]) + 1e-24
        degrees = parts.sum(0) ** 2 / (parts.T**2 @ [1 / each for _, each in sources])
        return stdtrit(degrees, 1 - level / 2) * parts.sum(0) ** 0.5


def design_of(runs: Runs) -> Design:
    """Return the design of a finished sweep; variances are means over the arms.

    Raises:
        FeasibilityError: fewer than two arms have results with single questions, or none has two seeds.
    """
    arms = arms_of(runs, runs.average)
    several = [arm for arm in arms.values() if len(arm.values) > 1]
    baseline = arms.pop(runs.plan.baseline, None)
    if baseline is None or not arms or not several:
        needed = f"needs results of {runs.plan.baseline} and of another arm, one of them with two seeds; run the sweep"
        raise FeasibilityError(f"power {runs.plan.ablation}: {needed}")
    layout = baseline.questions
    questions = len(layout.names) / layout.clusters
    interaction, by_question = [], []
    for arm in arms.values():
        by_cluster = float(((arm.influence - baseline.influence) ** 2).sum())
        single = float(((arm.deviations - baseline.deviations) ** 2).sum())
        chance = sum(_residual(one) / len(one.values) for one in (arm, baseline) if len(one.values) > 1)
        interaction.append(by_cluster - chance)
        by_question.append(min(single / by_cluster, 1.0) if by_cluster else 1.0)
    share, residual = fmean(by_question), fmean(map(_residual, several))
    return Design(
        seeds=max(len(arm.values) for arm in several),
        clusters=layout.clusters,
        questions=questions,
        cell_means=layout.clusters - layout.degrees_of_freedom,
        sides=1 + (len(runs.plan.of(runs.plan.baseline)) > 1),
        interaction=max(fmean(interaction), 0.0) * layout.clusters / (1 - share + share / questions),
        by_question=share,
        residual=residual * layout.clusters * questions,
        seed=max(fmean(float(arm.means.var(ddof=1)) for arm in several) - residual, 0.0),
    )


def smallest_visible(found: Estimate, comparisons: int) -> float:
    """Return the smallest true difference of two models that one of so many tests finds with a chance of 80 %."""
    from scipy.special import stdtrit

    quantiles = (float(stdtrit(found.degrees_of_freedom, share)) for share in (1 - LEVEL / 2 / comparisons, POWER))
    return min(sum(quantiles) * found.standard_error, 1.0)


def _residual(arm: ArmScores) -> float:
    """Return the variance of one run's average due to chance in its replies, cluster by cluster."""
    import numpy as np

    runs = np.stack([ArmScores(arm.questions, row[None]).influence for row in arm.values])
    return float(runs.var(0, ddof=1).sum())

"""Predicted against simulated power: `python benchmarks/power.py [trials]`."""

import sys
from dataclasses import dataclass

import numpy as np

from mmprolong.reporting.statistics.intervals import difference
from mmprolong.reporting.statistics.power import Design
from mmprolong.reporting.statistics.scores import ArmScores, Questions

LENGTHS = 4
SHARED = 0.15
"""Half width of what a document is easier or harder for all arms."""


@dataclass(frozen=True, kw_only=True)
class World:
    """The truth: standard deviations of effects on the chance of a right answer, around one half; seeds' are normal."""

    document: float = 0.05
    """Of one arm on a document."""
    question: float = 0.1
    """Of one arm on a question."""
    seed: float = 0.015

    def design(self, seeds: int, documents: int, questions: int) -> Design:
        """Return what the world's answers make of it; a difference has two arms."""
        effects = SHARED**2 / 3 + self.document**2 + self.question**2 + self.seed**2
        interaction = 2 * (self.document**2 + self.question**2)
        return Design(
            seeds=seeds,
            clusters=documents,
            questions=questions,
            cell_means=LENGTHS,
            sides=2,
            interaction=interaction,
            by_question=2 * self.question**2 / interaction,
            residual=0.25 - effects,
            seed=self.seed**2,
        )


def uniform(generator, deviation, shape):
    return generator.uniform(-1, 1, shape) * np.sqrt(3) * deviation


def asked(documents: int, questions: int) -> Questions:
    """Return questions whose documents take turns over the lengths."""
    cluster = np.repeat(np.arange(documents), questions)
    return Questions(tuple(map(str, range(len(cluster)))), cluster, cluster % LENGTHS, np.full(LENGTHS, 1 / LENGTHS))


def arm(generator, world: World, effect: float, seeds: int, shared, questions: Questions) -> ArmScores:
    document = shared + uniform(generator, world.document, questions.clusters)
    chance = 0.5 + effect + document[questions.cluster] + uniform(generator, world.question, len(questions.names))
    chance = np.clip(chance + generator.normal(0, world.seed, (seeds, 1)), 0, 1)
    return ArmScores(questions, (generator.uniform(size=chance.shape) < chance).astype(float))


def simulated(world: World, effect: float, seeds: int, documents: int, questions: int, trials: int) -> float:
    """Return the share of repetitions in which a true difference of `effect` is found."""
    found, every = 0, asked(documents, questions)
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        shared = generator.uniform(-SHARED, SHARED, documents)
        baseline, other = (arm(generator, world, each, seeds, shared, every) for each in (0.0, effect))
        found += difference(other, baseline).p < 0.05
    return found / trials


def main() -> None:
    """Print two lines a design."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("seeds documents questions seed-sd effect[points] predicted simulated difference[points]")
    worst = 0.0
    for seeds, documents, questions, spread in [
        (1, 100, 4, 0.0),
        (1, 40, 8, 0.0),
        (2, 100, 4, 0.0),
        (2, 100, 4, 0.02),
        (3, 60, 4, 0.0),
        (3, 100, 4, 0.01),
        (3, 100, 4, 0.03),
        (5, 100, 4, 0.02),
        (5, 40, 8, 0.02),
        (8, 100, 4, 0.03),
    ]:
        world = World(seed=spread)
        design = world.design(seeds, documents, questions)
        for part in (0.6, 1.0):
            effect = part * design.smallest()
            predicted, found = design.power(effect), simulated(world, effect, seeds, documents, questions, trials)
            worst = max(worst, abs(found - predicted))
            shape = f"{seeds:5d} {documents:9d} {questions:9d} {spread:7.2f} {100 * effect:14.2f}"
            print(f"{shape} {predicted:9.3f} {found:9.3f} {100 * (found - predicted):+8.1f}", flush=True)
    print(f"largest difference: {100 * worst:.1f} points")


if __name__ == "__main__":
    main()

"""Predicted against simulated power, and false discoveries: `python benchmarks/power.py [trials]`."""

import sys
from dataclasses import dataclass

import numpy as np

from mmprolong.reporting.statistics.components import Components
from mmprolong.reporting.statistics.estimates import difference, holm
from mmprolong.reporting.statistics.outcomes import Outcomes
from mmprolong.reporting.statistics.power import Design, power, smallest

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

    @property
    def components(self) -> Components:
        """What the world's answers make of it; a difference has two arms."""
        spread = SHARED**2 / 3 + self.document**2 + self.question**2 + self.seed**2
        return Components(
            document=2 * self.document**2,
            question=2 * self.question**2,
            document_noise=0.0,
            question_noise=0.25 - spread,
            seed=self.seed**2,
        )


def uniform(generator, deviation, shape):
    return generator.uniform(-1, 1, shape) * np.sqrt(3) * deviation


def arm(generator, world, effect, seeds, shared, questions):
    """One arm's outcomes; documents take turns over the lengths, with `questions` each."""
    documents = len(shared)
    lasting = uniform(generator, world.document, (documents, 1)) + uniform(
        generator, world.question, (documents, questions)
    )
    luck = generator.normal(0, world.seed, (seeds, 1, 1))
    chance = np.clip(0.5 + effect + shared[:, None] + lasting + luck, 0, 1)
    right = (generator.uniform(size=chance.shape) < chance).sum(2)
    counts = np.zeros((documents, LENGTHS))
    counts[np.arange(documents), np.arange(documents) % LENGTHS] = questions
    sums = np.where(counts > 0, right[:, :, None], 0).astype(float)
    names = tuple(map(str, range(documents)))
    return Outcomes(sums=sums, counts=counts, weights=np.full(LENGTHS, 1 / LENGTHS), documents=names)


def marks(generator, world, effects, seeds, documents, questions, exchanges):
    """Whether each arm of a table is marked as different from its baseline, as tables do."""
    shared = generator.uniform(-SHARED, SHARED, documents)
    baseline = arm(generator, world, 0.0, seeds, shared, questions)
    arms = [arm(generator, world, effect, seeds, shared, questions) for effect in effects]
    found = [difference(one, baseline, exchanges, pool=[baseline, *arms]) for one in arms]
    adjusted = holm({str(index): one.p for index, one in enumerate(found)})
    return [one.clear and adjusted[str(index)] < 0.05 for index, one in enumerate(found)]


def simulated(world, effect, seeds, documents, questions, trials, exchanges=4000):
    """Share of repetitions in which a true difference of `effect` is marked."""
    return float(
        np.mean(
            [
                marks(np.random.default_rng(trial), world, [effect], seeds, documents, questions, exchanges)[0]
                for trial in range(trials)
            ]
        )
    )


def false_discoveries(world, effects, seeds, documents, questions, trials, exchanges=4000):
    """Share of tables with a false mark, and share of all marks that are false (mean over tables)."""
    any_false, share = [], []
    for trial in range(trials):
        marked = marks(np.random.default_rng(trial), world, effects, seeds, documents, questions, exchanges)
        wrong = sum(mark for mark, effect in zip(marked, effects, strict=True) if effect == 0)
        any_false.append(wrong > 0)
        share.append(wrong / max(sum(marked), 1))
    return float(np.mean(any_false)), float(np.mean(share))


def design(world, seeds, documents, questions):
    return Design(
        components=world.components, seeds=seeds, documents=documents, questions=questions, constraints=LENGTHS, sides=2
    )


def main() -> None:
    """Print one line a design."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("seeds documents questions seed-sd smallest[points] predicted simulated difference[points]")
    worst = 0.0
    for seeds, documents, questions, spread in [
        (1, 100, 4, 0.0),
        (1, 40, 8, 0.0),
        (2, 100, 4, 0.0),
        (3, 60, 4, 0.0),
        (3, 100, 4, 0.01),
        (3, 100, 4, 0.03),
        (5, 100, 4, 0.02),
        (5, 40, 8, 0.02),
        (8, 100, 4, 0.03),
    ]:
        world = World(seed=spread)
        one = design(world, seeds, documents, questions)
        effect = smallest(one)
        for part in (0.6, 1.0):
            predicted = power(one, part * effect)
            found = simulated(world, part * effect, seeds, documents, questions, trials)
            worst = max(worst, abs(found - predicted))
            print(
                f"{seeds:5d} {documents:9d} {questions:9d} {spread:7.2f} {100 * part * effect:16.2f}"
                f" {predicted:9.3f} {found:9.3f} {100 * (found - predicted):+8.1f}",
                flush=True,
            )
    print(f"largest difference: {100 * worst:.1f} points")
    print("tables of four comparisons: any false mark, false share of marks")
    for seeds, spread in [(1, 0.0), (2, 0.0), (2, 0.02), (3, 0.02), (5, 0.02)]:
        for effects in ([0.0] * 4, [0.0, 0.0, 0.08, 0.15]):
            found = false_discoveries(World(seed=spread), effects, seeds, 100, 4, trials)
            print(f"{seeds} seeds, seed-sd {spread:.2f}, effects {effects}: {found[0]:.3f} {found[1]:.3f}", flush=True)


if __name__ == "__main__":
    main()

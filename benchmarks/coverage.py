"""How often 95 % intervals hold the truth, and how often a table without a difference has a mark.

`python benchmarks/coverage.py [tables]`: tables of one trained arm a row, as the demo's: 96 documents, 24 at each of
four lengths, 8 questions on each. An answer is right if a normal variable is below a threshold; that variable is shared
in part by the questions on a document (over all arms, and within an arm), the rest is drawn anew for every answer.
"""

import sys
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from mmprolong.reporting.statistics.intervals import difference, holm, mean
from mmprolong.reporting.statistics.scores import ArmScores, Questions

DEMO = (0.945, 0.955, 0.92, 0.73)
"""Accuracy of the demo's arms at 2x, 4x, 8x and 16x."""
EVEN = (0.89,) * 4
SHARED, OWN = 0.15, 0.06
"""Correlation of the questions on a document, over all arms and within one."""


@dataclass(frozen=True)
class Design:
    name: str
    spreads: tuple[float, ...]
    """Standard deviation of each arm's seeds."""
    seeds: int = 3
    accuracy: tuple[float, ...] = DEMO
    documents: int = 24
    """At each length."""
    questions: int = 8
    effect: float = 0.0
    """True difference of all arms but the first, in [0, 1]."""


DESIGNS = (
    Design("as the demo", (0.02,) * 4),
    Design("as the demo, all at 89 %", (0.02,) * 4, accuracy=EVEN),
    Design("8 arms", (0.02,) * 8),
    Design("5 seeds", (0.02,) * 4, seeds=5),
    Design("2 seeds", (0.02,) * 4, seeds=2),
    Design("no seed spread", (0.0,) * 4),
    Design("sd 2, .2, 2, 5", (0.02, 0.002, 0.02, 0.05)),
    Design("one arm sd 10, rest 1", (0.01, 0.1, 0.01, 0.01)),
    Design("the same, all at 89 %", (0.01, 0.1, 0.01, 0.01), accuracy=EVEN),
    Design("6 documents a length", (0.02,) * 4, documents=6),
    Design("a true difference of 8", (0.02,) * 4, effect=-0.08),
    Design("a true difference of 4", (0.02,) * 4, effect=-0.04),
)


def layout(lengths: int, documents: int, questions: int) -> Questions:
    cluster = np.repeat(np.arange(lengths * documents), questions)
    names = tuple(map(str, range(len(cluster))))
    return Questions(names, cluster, cluster // documents, np.full(lengths, 1 / lengths))


def simulated(design: Design, trial: int) -> tuple[list[ArmScores], np.ndarray]:
    """Return the arms of one table and their true means."""
    draw = np.random.default_rng(trial)
    asked = layout(len(design.accuracy), design.documents, design.questions)
    shared = draw.normal(size=asked.clusters) * SHARED**0.5
    arms, truths = [], []
    for number, spread in enumerate(design.spreads):
        accuracy = np.array(design.accuracy) + (design.effect if number else 0.0)
        own = shared + draw.normal(size=asked.clusters) * OWN**0.5
        seeds = draw.normal(size=(design.seeds, 1)) * spread
        chance = np.clip(accuracy + seeds, 0.001, 0.999)[:, asked.cell]
        noise = draw.normal(size=chance.shape) * (1 - SHARED - OWN) ** 0.5
        arms.append(ArmScores(asked, (own[asked.cluster] + noise < ndtri(chance)).astype(float)))
        law = ndtri((np.arange(2000)[:, None] + 0.5) / 2000) * spread
        truths.append(np.clip(accuracy + law, 0.001, 0.999).mean())
    return arms, np.array(truths)


def measured(design: Design, tables: int) -> dict[str, float]:
    """Return shares [%] and the mean half width [points] of the differences to the first arm."""
    held, means, halves, marked, tables_marked = [], [], [], [], []
    for trial in range(tables):
        arms, truths = simulated(design, trial)
        found = [difference(arm, arms[0]) for arm in arms[1:]]
        true = truths[1:] - truths[0]
        adjusted = holm({number: one.p for number, one in enumerate(found)})
        held.append([one.low <= truth <= one.high for one, truth in zip(found, true, strict=True)])
        means.append([one.low <= truth <= one.high for one, truth in zip(map(mean, arms), truths, strict=True)])
        halves.append([(one.high - one.low) / 2 for one in found])
        marked.append([p < 0.05 for p in adjusted.values()])
        tables_marked.append(any(marked[-1]))
    return {
        "coverage": 100 * float(np.mean(held)),
        "worst arm": 100 * float(np.mean(held, axis=0).min()),
        "of means": 100 * float(np.mean(means)),
        "half width": 100 * float(np.mean(halves)),
        "marked": 100 * float(np.mean(marked)),
        "tables with a mark": 100 * float(np.mean(tables_marked)),
    }


def at_the_bound(tables: int, fail: float = 0.01, documents: int = 96, questions: int = 8) -> float:
    """Return how often [%] the interval of a mean holds the truth where whole documents fail."""
    asked, held = layout(1, documents, questions), 0
    for trial in range(tables):
        right = np.random.default_rng(trial).uniform(size=documents) >= fail
        found = mean(ArmScores(asked, right.astype(float)[None, asked.cluster]))
        held += found.low <= 1 - fail <= found.high
    return 100 * held / tables


def main() -> None:
    """Print one line a design."""
    tables = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    heads = ("coverage", "worst arm", "of means", "half width", "marked", "tables with a mark")
    print(f"{'':26s}", *(f"{head:>10s}" for head in heads))
    for design in DESIGNS:
        found = measured(design, tables)
        print(f"{design.name:26s}", *(f"{found[head]:10.1f}" for head in heads), flush=True)
    for fail in (0.01, 0.02, 0.03):
        print(
            f"whole documents fail, true mean {1 - fail:.0%}: {at_the_bound(tables, fail):.1f} % of the means are held"
        )


if __name__ == "__main__":
    main()

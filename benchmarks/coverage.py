"""How often 95 % intervals hold the truth, and how often a table without a difference has a mark.

`python benchmarks/coverage.py [trials]`
"""

import sys
import time
from itertools import product

import numpy as np

from mmprolong.reporting.statistics.estimates import difference, holm, mean
from mmprolong.reporting.statistics.outcomes import Outcomes

UNEQUAL = {
    "one arm spreads 10 times as far": (3, [0.01, 0.1, 0.01, 0.01, 0.01]),
    "the baseline spreads 10 times as far": (3, [0.1, 0.01, 0.01, 0.01, 0.01]),
    "one arm spreads 3 times as far": (3, [0.02, 0.06, 0.02, 0.02, 0.02]),
    "one arm of six 6 times, 5 seeds": (5, [0.01, 0.06, 0.01, 0.01, 0.01, 0.01]),
    "two arms of eight 5 times as far": (3, [0.02, 0.1, 0.1, 0.02, 0.02, 0.02, 0.02, 0.02]),
    "every arm another": (3, [0.01, 0.02, 0.03, 0.05, 0.08]),
    "all alike": (3, [0.02] * 5),
    "two arms of 2 seeds": (2, [0.05] * 2),
}
"""Seeds, and the deviation of the seeds of each arm, the baseline first."""


def arm(
    generator, effect, seeds, document, interaction, spread, lengths, questions, deterministic=False, law="uniform"
):
    """One arm's outcomes; each answer is right with a probability linear in its effects, so the truth is `effect`."""
    documents = len(document)
    luck = generator.normal(0, 1, seeds) if law == "normal" else generator.uniform(-1, 1, seeds) * np.sqrt(3)
    seed = np.zeros(1) if deterministic else luck * spread
    private = generator.uniform(-1, 1, documents) * np.sqrt(3) * interaction
    chance = np.clip(0.5 + effect + document + private + seed[:, None], 0, 1)
    counts = np.zeros((documents, lengths))
    counts[np.arange(documents), np.arange(documents) % lengths] = questions
    right = generator.binomial(questions, np.broadcast_to(chance[:, :, None], (len(seed), documents, lengths)))
    sums = np.where(counts > 0, right, 0).astype(float)
    names = tuple(str(index) for index in range(documents))
    return Outcomes(sums=sums, counts=counts, weights=np.full(lengths, 1 / lengths), documents=names)


def coverage(trials, seeds, documents, spread, lengths=5, questions=4, single=False, truth=0.03, arms=5):
    """Share of intervals that hold the truth, and their mean half width; a table of `arms` pools its seeds."""
    hits, widths = 0, []
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        document = generator.uniform(-0.2, 0.2, documents)
        shape = {"lengths": lengths, "questions": questions}
        one = arm(generator, truth, seeds, document, 0.03, spread, **shape)
        other = arm(generator, 0.0, seeds, document, 0.03, spread, deterministic=single, **shape)
        rest = [arm(generator, 0.0, seeds, document, 0.03, spread, **shape) for _ in range(arms - 2)]
        found = difference(one, other, 10, pool=[one, other, *rest])
        hits += found.low <= truth <= found.high
        widths.append(found.half)
    return hits / trials, float(np.mean(widths))


def unequal(trials, seeds, spreads, law, documents=120, lengths=5, questions=4, exchanges=1000):
    """Tables without a difference whose arms spread differently: coverage of each arm's difference to the first and of
    each arm's own mean, and share of tables with a false mark."""
    held, means, marked = np.zeros(len(spreads) - 1), np.zeros(len(spreads)), 0
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        document = generator.uniform(-0.2, 0.2, documents)
        arms = [arm(generator, 0.0, seeds, document, 0.03, spread, lengths, questions, law=law) for spread in spreads]
        found = [difference(one, arms[0], exchanges, pool=arms) for one in arms[1:]]
        adjusted = holm({index: one.p for index, one in enumerate(found)})
        held += [not one.clear for one in found]
        means += [one.low <= 0.5 <= one.high for one in (mean(each, arms) for each in arms)]
        marked += any(one.clear and adjusted[index] < 0.05 for index, one in enumerate(found))
    return held / trials, means / trials, marked / trials


def main() -> None:
    """Print one line a design."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(
        "seeds drawn from: coverage of the differences, worst and best arm; of the means, worst and best; false marks"
    )
    for name, (seeds, spreads) in UNEQUAL.items():
        for law in ("normal", "uniform"):
            held, means, marked = unequal(trials, seeds, spreads, law)
            shares = (held.min(), held.max(), means.min(), means.max(), marked)
            print(f"{name:38s} {law:8s}", *(f"{share:8.3f}" for share in shares), flush=True)
    print("seeds documents seed-spread single-baseline coverage half-width")
    designs = product([1, 2, 3, 5], [30, 100], [0.0, 0.01, 0.03], [False, True])
    for seeds, documents, spread, single in designs:
        if seeds == 1 and spread:
            continue
        share, half = coverage(trials, seeds, documents, spread, single=single)
        print(f"{seeds:5d} {documents:9d} {spread:11.2f} {single!s:>15} {share:8.3f} {half:10.3f}", flush=True)
    generator = np.random.default_rng(0)
    one = arm(generator, 0.1, 3, generator.uniform(-0.2, 0.2, 100), 0.03, 0.02, 5, 4)
    started = time.perf_counter()
    difference(one, one)
    print(f"3 seeds x 400 questions on 100 documents, 10,000 exchanges: {time.perf_counter() - started:.3f} s")


if __name__ == "__main__":
    main()

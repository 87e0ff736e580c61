"""How often the 95 % interval of a difference holds the truth, by simulation: `python benchmarks/coverage.py`."""

import sys
import time
from itertools import product

import numpy as np

from mmprolong.reporting.statistics import Outcomes, difference


def arm(generator, effect, seeds, document, interaction, spread, lengths, questions, deterministic=False):
    """One arm's outcomes; each answer is right with a probability linear in its effects, so the truth is `effect`."""
    documents = len(document)
    seed = np.zeros(1) if deterministic else generator.uniform(-1, 1, seeds) * np.sqrt(3) * spread
    private = generator.uniform(-1, 1, documents) * np.sqrt(3) * interaction
    chance = np.clip(0.5 + effect + document + private + seed[:, None], 0, 1)
    counts = np.zeros((documents, lengths))
    counts[np.arange(documents), np.arange(documents) % lengths] = questions
    right = generator.binomial(questions, np.broadcast_to(chance[:, :, None], (len(seed), documents, lengths)))
    sums = np.where(counts > 0, right, 0).astype(float)
    names = tuple(str(index) for index in range(documents))
    return Outcomes(sums=sums, counts=counts, weights=np.full(lengths, 1 / lengths), documents=names)


def coverage(
    trials, seeds, documents, spread, lengths=5, questions=4, single=False, truth=0.03, resamples=2000, arms=5
):
    """Share of intervals that hold the truth, and their mean half width; a table of `arms` pools its seeds."""
    hits, widths = 0, []
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        document = generator.uniform(-0.2, 0.2, documents)
        shape = {"lengths": lengths, "questions": questions}
        one = arm(generator, truth, seeds, document, 0.03, spread, **shape)
        other = arm(generator, 0.0, seeds, document, 0.03, spread, deterministic=single, **shape)
        rest = [arm(generator, 0.0, seeds, document, 0.03, spread, **shape) for _ in range(arms - 2)]
        found = difference(one, other, resamples, pool=[one, other, *rest])
        hits += found.low <= truth <= found.high
        widths.append(found.half)
    return hits / trials, float(np.mean(widths))


def main() -> None:
    """Print one line a design."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
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
    print(f"3 seeds x 400 questions on 100 documents, 10,000 resamples: {time.perf_counter() - started:.3f} s")


if __name__ == "__main__":
    main()

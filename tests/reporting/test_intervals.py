"""Intervals and p: one formula, a second implementation of it, and how often it is right."""

import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import fmean, variance

import numpy as np
import pytest
from scipy.stats import t as student

from mmprolong import plugins
from mmprolong.evaluation.average import headline
from mmprolong.records import Average, Cell, Score
from mmprolong.reporting.statistics.intervals import difference, holm, mean
from mmprolong.reporting.statistics.scores import ArmScores, arm_scores, questions_of
from tests.analysis.runs import judged

COVERAGE = plugins.load_file(Path(__file__).parents[2] / "benchmarks" / "coverage.py")
CELLS = [Cell("one", "a", "1x"), Cell("one", "b", "1x"), Cell("one", "a", "2x"), Cell("two", "c", "16p")]


def drawn(seed: int, runs: int, chance: float) -> list[list[Score]]:
    """Runs over cells of unequal size, in which a document is asked in several."""
    shape = random.Random(0)
    asked: list[tuple[Cell, str, str]] = []
    for document in range(14):
        for cell in shape.sample(CELLS, shape.randint(1, 4)):
            asked += [(cell, f"d{document}", f"{cell}{document}{turn}") for turn in range(shape.randint(1, 3))]
    draw = random.Random(seed)
    return [[judged(*where, value=float(draw.random() < chance)) for where in asked] for _ in range(runs)]


def arm_of(runs: list[list[Score]], average: Average) -> ArmScores:
    return arm_scores(runs, questions_of(runs[0], average))


def by_hand(arms: list[list[list[Score]]], average: Average) -> tuple[float, float, float]:
    """Difference of the first arm and the second, its half width and p: the formula of the guide, without arrays."""
    counts: dict[Cell, int] = defaultdict(int)
    by_document: dict[str, dict[Cell, int]] = defaultdict(lambda: defaultdict(int))
    for score in arms[0][0]:
        counts[score.cell] += 1
        by_document[score.cluster][score.cell] += 1
    influence = dict.fromkeys(by_document, 0.0)
    seeds, means = [], []
    for sign, runs in zip((1, -1), arms, strict=True):
        of_run = []
        for run in runs:
            of_cell = {cell: fmean(score.value for score in run if score.cell == cell) for cell in counts}
            of_run.append(sum(average[cell] * of_cell[cell] for cell in counts))
            for score in run:
                moved = average[score.cell] / counts[score.cell] * (score.value - of_cell[score.cell])
                influence[score.cluster] += sign * moved / len(runs)
        means.append(fmean(of_run))
        seeds += [(variance(of_run) / len(runs), len(runs) - 1)] if len(runs) > 1 else []
    total = 0.0
    for document, found in influence.items():
        weight = {cell: average[cell] * number / counts[cell] for cell, number in by_document[document].items()}
        shares = {cell: number / counts[cell] for cell, number in by_document[document].items()}
        leverage = sum(weight[cell] * shares[cell] for cell in weight) / sum(weight.values())
        total += found**2 / (1 - leverage)
    parts = [(total, len(influence) - len(counts)), *seeds]
    whole = sum(part for part, _ in parts)
    degrees = whole**2 / sum(part**2 / each for part, each in parts)
    value = means[0] - means[1]
    p = 2 * student.sf(abs(value) / whole**0.5, degrees)
    return value, student.ppf(0.975, degrees) * whole**0.5, float(p)


@pytest.mark.parametrize(("runs", "others"), [(3, 3), (2, 5), (1, 3), (1, 1)])
def test_a_second_implementation_agrees(runs: int, others: int):
    one, other = drawn(1, runs, 0.7), drawn(2, others, 0.55)
    average = headline({score.cell for score in one[0]})
    found = difference(arm_of(one, average), arm_of(other, average))
    value, half, p = by_hand([one, other], average)
    assert (found.value, (found.high - found.low) / 2, found.p) == pytest.approx((value, half, p))


def test_the_mean_of_an_arm_is_the_headline():
    runs = drawn(3, 2, 0.6)
    average = headline({score.cell for score in runs[0]}, ["1x"])
    by_cell = {cell: fmean(s.value for run in runs for s in run if s.cell == cell) for cell in average}
    expected = sum(weight * by_cell[cell] for cell, weight in average.items())
    assert mean(arm_of(runs, average)).value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("as the demo", 94, 98), ("5 seeds", 94, 98), ("no seed spread", 95, 99.5)]
)
def test_intervals_hold_the_truth_as_often_as_they_say(name: str, low: float, high: float):
    design = next(one for one in COVERAGE.DESIGNS if one.name == name)
    found = COVERAGE.measured(design, 300)
    assert low <= found["coverage"] <= high and found["of means"] >= 92.5
    assert found["tables with a mark"] <= 8


def test_where_whole_documents_fail_an_interval_at_the_bound_holds_the_truth():
    assert COVERAGE.at_the_bound(400, fail=0.01) >= 97


def test_at_a_bound_the_width_is_that_of_whole_documents():
    asked = COVERAGE.layout(4, 24, 8)
    right = ArmScores(asked, np.ones((3, len(asked.names))))
    assert (mean(right).low, mean(right).high) == pytest.approx((1 - 3 / 96, 1.0))
    same = difference(right, right)
    assert (same.value, same.p, same.high, same.low) == (0, 1, pytest.approx(3 / 96), pytest.approx(-3 / 96))
    wrong = replace(right, values=np.zeros_like(right.values))
    assert (difference(right, wrong).low, difference(right, wrong).high) == pytest.approx((1 - 3 / 96, 1.0))


@pytest.mark.parametrize("seed", range(20))
def test_no_interval_leaves_what_scores_can_be(seed: int):
    draw = np.random.default_rng(seed)
    asked = COVERAGE.layout(2, 3, 2)
    one, other = (ArmScores(asked, (draw.random((2, 12)) < chance).astype(float)) for chance in (0.95, 0.1))
    assert 0 <= mean(one).low <= mean(one).value <= mean(one).high <= 1
    found = difference(one, other)
    assert -1 <= found.low <= found.value <= found.high <= 1


def test_a_cell_that_rests_on_one_document_counts_with_its_whole_weight():
    asked = COVERAGE.layout(2, 24, 4)
    values = (np.random.default_rng(0).random((1, len(asked.names))) < 0.6).astype(float)
    lone = replace(asked, cell=np.where(asked.cluster == 47, 1, 0))
    assert mean(ArmScores(asked, values)).high < 0.7
    found = mean(ArmScores(lone, values))
    assert found.value - found.low > 0.49


def test_documents_are_counted_and_not_questions():
    """Questions on one document are right or wrong together: as if each stood alone, the interval were too narrow."""
    asked = COVERAGE.layout(1, 50, 8)
    right = np.random.default_rng(0).random(50) < 0.6
    values = right[asked.cluster].astype(float)[None]
    alone = replace(asked, cluster=np.arange(400))
    assert mean(ArmScores(asked, values)).standard_error > 2.5 * mean(ArmScores(alone, values)).standard_error


def test_shared_documents_cancel_in_a_difference():
    asked, draw = COVERAGE.layout(1, 200, 4), np.random.default_rng(5)
    chance = np.where(draw.random(200) < 0.5, 0.05, 0.95)[asked.cluster]
    one, other = (ArmScores(asked, (draw.random((1, 800)) < chance).astype(float)) for _ in range(2))
    apart = np.hypot(mean(one).standard_error, mean(other).standard_error)
    assert difference(one, other).standard_error < 0.6 * apart


def test_an_arm_with_one_run_speaks_of_documents_alone():
    arms, _ = COVERAGE.simulated(COVERAGE.Design("made", (0.05, 0.05)), 0)
    single = ArmScores(arms[0].questions, arms[0].values[:1])
    assert mean(single).degrees_of_freedom == pytest.approx(92)
    assert difference(arms[1], single).degrees_of_freedom < 50


def test_holm_multiplies_the_smallest_most_and_keeps_the_order():
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.9})
    assert found == pytest.approx({"a": 0.04, "b": 0.09, "c": 0.09, "d": 0.9})

from dataclasses import replace

import numpy as np
import pytest

from mmprolong.reporting.statistics.estimates import difference, mean
from mmprolong.reporting.statistics.interval import of_documents_and_seeds
from mmprolong.reporting.statistics.outcomes import Outcomes, constraints, outcomes
from mmprolong.reporting.statistics.spread import Table
from tests.reporting.simulated import arm, score, table
from tests.stores import LENGTHS


def share_that_holds(truth: float, seeds: int, other: int, spread: float, trials: int = 600) -> float:
    hits = 0
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        shared = generator.uniform(-0.25, 0.25, 80)
        one = arm(generator, truth, seeds, shared, spread)
        baseline = arm(generator, 0.0, other, shared, spread if other > 1 else 0.0)
        found = difference(one, baseline, exchanges=10)
        hits += found.low <= truth <= found.high
    return hits / trials


@pytest.mark.parametrize(("seeds", "other", "spread"), [(1, 1, 0.0), (3, 3, 0.0), (3, 3, 0.03), (3, 1, 0.03)])
def test_intervals_hold_the_truth_as_often_as_they_say(seeds: int, other: int, spread: float):
    assert 0.92 <= share_that_holds(0.05, seeds, other, spread) <= 0.985


@pytest.mark.parametrize(
    ("seeds", "spreads"),
    [(3, [0.1, 0.01, 0.01]), (3, [0.01, 0.1, 0.01]), (3, [0.02] * 3), (5, [0.01, 0.06, 0.02]), (3, [0.01, 0.03, 0.08])],
)
def test_every_interval_of_a_table_holds_the_truth_however_the_seeds_of_others_spread(seeds: int, spreads: list[float]):
    trials, held = 600, np.zeros((2, len(spreads)))
    for trial in range(trials):
        first, *arms = table(trial, spreads, seeds, seeds)
        found = [difference(arm, first, exchanges=10, pool=[first, *arms]) for arm in arms]
        means = [mean(arm, pool=[first, *arms]) for arm in (first, *arms)]
        held[0] += [True, *(not one.clear for one in found)]
        held[1] += [one.low <= 0.5 <= one.high for one in means]
    shares = np.append(held[0, 1:], held[1]) / trials
    assert 0.92 <= shares.min() <= shares.max() <= 0.985


def test_an_interval_goes_from_documents_alone_to_seeds_alone():
    """Where seeds make all of the variance: Student's t with 2 degrees of freedom; where documents do: with theirs."""
    few = Table(between=np.array([0.03]), explained=np.zeros(1), seeds=np.array([3]))
    assert of_documents_and_seeds(np.zeros(()), 100, few, 1) == pytest.approx(4.3027 * 0.1, rel=1e-4)
    none = Table(between=np.zeros(1), explained=np.zeros(1), seeds=np.array([3]))
    assert of_documents_and_seeds(np.asarray(0.01), 100, none, 1) == pytest.approx(1.98397 * 0.1, rel=1e-4)
    parts = (0.0, 0.001, 0.01, 0.1, 1.0)
    halves = [float(of_documents_and_seeds(np.asarray(part), 100, few, 1)) for part in parts]
    assert all(half**2 > 1.98**2 * (part + 0.01) for half, part in zip(halves, parts, strict=True))
    assert halves[-1] == pytest.approx(1.98397 * 1.01**0.5, rel=0.01)


def test_two_arms_that_spread_alike_have_the_freedom_of_both():
    both = Table(between=np.full(2, 0.03), explained=np.zeros(2), seeds=np.full(2, 3))
    assert of_documents_and_seeds(np.zeros(()), 100, both, 2) == pytest.approx(2.7764 * 0.02**0.5, rel=1e-4)
    odd = Table(between=np.array([0.03, 0.0]), explained=np.zeros(2), seeds=np.full(2, 3))
    assert of_documents_and_seeds(np.zeros(()), 100, odd, 2) == pytest.approx(4.3027 * 0.1, rel=1e-4)


def test_seeds_that_agree_by_luck_leave_the_chance_of_single_answers():
    agreeing = Table(between=np.zeros(1), explained=np.array([0.03]), seeds=np.array([3]))
    assert of_documents_and_seeds(np.asarray(0.01), 100, agreeing, 1) == pytest.approx(1.98397 * 0.05, rel=1e-4)


def test_a_run_without_siblings_spreads_as_the_other_arms_do_on_average():
    lone = Table(between=np.array([9.0, 0.04, 0.04]), explained=np.zeros(3), seeds=np.array([1, 2, 3]))
    same = Table(between=np.array([0.04]), explained=np.zeros(1), seeds=np.array([4]))
    assert of_documents_and_seeds(np.zeros(()), 100, lone, 1) == pytest.approx(
        2 * of_documents_and_seeds(np.zeros(()), 100, same, 1)
    )


def test_ignoring_the_documents_of_questions_would_hold_it_too_rarely():
    """Why documents are counted: their shared difficulty makes the headline score vary more than its questions do."""
    generator = np.random.default_rng(0)
    clustered = arm(generator, 0.0, 1, generator.choice([-0.45, 0.45], 100))
    spread = Outcomes(
        sums=np.where(np.arange(400)[None, :, None] % 2 == np.arange(2), _ungroup(clustered)[None, :, None], 0.0),
        counts=(np.arange(400)[:, None] % 2 == np.arange(2)).astype(float),
        weights=np.full(2, 0.5),
        documents=tuple(map(str, range(400))),
    )
    assert mean(clustered).half > 1.5 * mean(spread).half


def _ungroup(found: Outcomes) -> np.ndarray:
    right = found.sums.sum(2)[0].astype(int)
    return np.concatenate([np.arange(4) < count for count in right]).astype(float)


def test_seeds_widen_the_interval_when_they_differ():
    generator = np.random.default_rng(1)
    shared = generator.uniform(-0.2, 0.2, 200)
    calm, lucky = (arm(np.random.default_rng(2), 0.0, 3, shared, spread) for spread in (0.0, 0.08))
    assert mean(lucky).half > 1.5 * mean(calm).half
    assert mean(lucky).covers == "documents and seeds"


@pytest.mark.parametrize("others", [0, 3])
def test_a_run_without_siblings_does_not_learn_from_an_arm_at_the_ceiling(others: int):
    generator, shared = np.random.default_rng(0), np.zeros(60)
    ceiling = arm(generator, 0.6, 3, shared)
    lone = replace(arm(generator, 0.0, 1, shared), drawn=True)
    rest = [arm(generator, 0.0, 3, shared, 0.1) for _ in range(others)]
    found, own = difference(lone, ceiling, pool=[lone, ceiling, *rest]), mean(lone, pool=[lone, ceiling, *rest])
    assert found.half == pytest.approx(own.half)
    assert found.covers == own.covers == ("documents and seeds" if others else "documents")


def test_runs_without_siblings_that_borrow_the_same_spread_count_it_once():
    """Both errors are as large as the three seeds say: two degrees of freedom, not four."""
    lone = Table(between=np.array([0.0, 0.0, 0.03]), explained=np.zeros(3), seeds=np.array([1, 1, 3]))
    assert of_documents_and_seeds(np.zeros(()), 100, lone, 2) == pytest.approx(4.3027 * 0.06**0.5, rel=1e-4)
    against = Table(between=np.array([0.0, 0.03]), explained=np.zeros(2), seeds=np.array([1, 3]))
    assert of_documents_and_seeds(np.zeros(()), 100, against, 2) == pytest.approx(4.3027 * 0.04**0.5, rel=1e-4)


def test_an_interval_does_not_ask_how_far_the_seeds_of_other_arms_spread():
    calm, wild = table(1, [0.01] * 5), table(1, [0.01, 0.01, 0.01, 0.01, 0.15])
    halves = [difference(arms[0], arms[1], exchanges=10, pool=arms).half for arms in (calm, wild)]
    assert halves[0] == halves[1] < difference(wild[4], wild[0], exchanges=10, pool=wild).half


def test_a_score_that_may_exceed_one_has_an_interval_around_it():
    found = arm(np.random.default_rng(5), 0.4, 3, np.zeros(50), 0.02)
    scaled = mean(replace(found, weights=2 * found.weights))
    assert scaled.low < scaled.value < scaled.high


def test_the_difference_of_an_arm_to_itself_is_nothing_to_within_an_answer():
    found = arm(np.random.default_rng(4), 0.0, 1, np.zeros(50))
    same = difference(found, found)
    assert (same.value, same.p) == (0, 1)
    assert 1 / 200 < same.high == -same.low < 3 / 200


def test_nothing_is_certain_of_lengths_that_rest_on_one_document_each():
    right, wrong = ([[score(length, "reasoning", length, value) for length in LENGTHS]] for value in (True, False))
    one, other = (outcomes(found, LENGTHS) for found in (right, wrong))
    found = difference(one, other)
    assert (found.value, found.low, found.high, found.clear) == (1, 0, 2, False)
    assert (mean(one).low, mean(one).high) == (0, 1)


def test_documents_that_are_asked_other_tasks_are_no_kind_of_their_own():
    """As many constraints as tasks, not as many as combinations of them."""
    generator, tasks = np.random.default_rng(0), 6
    counts = (generator.uniform(size=(60, tasks)) < 0.5).astype(float)
    counts[:, 0] = 1
    assert constraints(counts) == tasks < len({tuple(row) for row in counts.tolist()})
    hits = 0
    for _ in range(300):
        sums = generator.binomial(1, 0.6, (1, 60, tasks)) * counts
        found = mean(Outcomes(sums=sums, counts=counts, weights=np.full(tasks, 1 / tasks), documents=tuple("x" * 60)))
        hits += found.low <= 0.6 <= found.high
    assert 0.9 <= hits / 300 <= 0.99


def test_lengths_of_few_documents_hold_the_truth():
    """A document of four takes along more of its mean than one of forty."""
    hits, counts = 0, np.repeat(np.eye(2), [40, 4], axis=0)
    for trial in range(600):
        sums = np.random.default_rng(trial).normal(0.5, 0.1, (1, 44, 1)) * counts
        found = mean(Outcomes(sums=sums, counts=counts, weights=np.full(2, 0.5), documents=tuple("x" * 44)))
        hits += found.low <= 0.5 <= found.high
    assert hits / 600 >= 0.85


def test_shared_documents_cancel_in_a_difference():
    generator = np.random.default_rng(5)
    shared = generator.choice([-0.45, 0.45], 200)
    one, other = arm(generator, 0.0, 1, shared), arm(generator, 0.0, 1, shared)
    assert difference(one, other).half < 0.6 * np.hypot(mean(one).half, mean(other).half)


def test_the_same_scores_always_give_the_same_interval():
    found = arm(np.random.default_rng(8), 0.0, 3, np.zeros(30), 0.05)
    assert mean(found) == mean(found)

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmprolong.errors import ArtifactError
from mmprolong.records import Sample, Score
from mmprolong.reporting.sources.runs import read_store
from mmprolong.reporting.statistics.estimates import apart, difference, holm, mean, permutation
from mmprolong.reporting.statistics.interval import of_documents_and_seeds
from mmprolong.reporting.statistics.outcomes import Outcomes, constraints, outcomes
from mmprolong.reporting.statistics.spread import Table, by_seeds
from tests.stores import LENGTHS, judged


def arm(generator: np.random.Generator, effect: float, seeds: int, shared: np.ndarray, spread: float = 0.0) -> Outcomes:
    """Four questions on each document, documents over two lengths; right with chance 0.5 + effect + document + seed."""
    luck = generator.normal(0, 1, seeds) * spread
    chance = np.clip(0.5 + effect + shared + luck[:, None], 0, 1)
    counts = np.zeros((len(shared), 2))
    counts[np.arange(len(shared)), np.arange(len(shared)) % 2] = 4
    sums = generator.binomial(4, chance)[:, :, None] * (counts > 0)
    names = tuple(map(str, range(len(shared))))
    return Outcomes(sums=sums.astype(float), counts=counts, weights=np.full(2, 0.5), documents=names)


def score(document: str, task: str, length: str, right: bool) -> Score:
    return judged(Sample(id=document, document=document, task=task, length=length, depth=0.0, target="7"), right)


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


def test_a_single_run_is_compared_with_every_seed_of_the_other():
    generator = np.random.default_rng(3)
    shared = generator.uniform(-0.2, 0.2, 100)
    base, trained = arm(generator, 0.0, 1, shared), arm(generator, 0.2, 3, shared, 0.02)
    found = difference(trained, base)
    assert found.covers == "documents and seeds"
    assert found.value == pytest.approx(trained.overall.mean() - base.overall[0])
    assert found.clear and found.p < 0.01
    assert mean(base).covers == "documents"


def table(trial: int, spreads: list[float], seeds: int = 3, first: int = 3) -> list[Outcomes]:
    """Arms without a difference whose seeds spread as said; `first` runs of the first arm are finished."""
    generator = np.random.default_rng(trial)
    shared = generator.uniform(-0.2, 0.2, 100)
    arms = [replace(arm(generator, 0.0, seeds, shared, spread), drawn=True) for spread in spreads]
    return [replace(arms[0], sums=arms[0].sums[:first]), *arms[1:]]


def marked(trials: int, spreads: list[float], first: int = 3) -> float:
    """Share of tables in which the first arm's difference to the second is taken for one."""
    found = 0
    for trial in range(trials):
        arms = table(trial, spreads, first=first)
        one = difference(arms[0], arms[1], exchanges=500, pool=arms)
        found += one.clear and one.p < 0.05
    return found / trials


def falsely_marked(trials: int, spreads: list[float]) -> float:
    """Share of tables with a mark, where no arm differs from the first."""
    found = 0
    for trial in range(trials):
        first, *arms = table(trial, spreads)
        p = {index: difference(arm, first, exchanges=10, pool=[first, *arms]).p for index, arm in enumerate(arms)}
        found += min(holm(p).values()) < 0.05
    return found / trials


@pytest.mark.parametrize(
    "spreads",
    [[0.1, 0.01, 0.01, 0.01, 0.01], [0.01, 0.1, 0.01, 0.01, 0.01], [0.02] * 5, [0.01, 0.02, 0.03, 0.05, 0.08]],
)
def test_tables_without_a_difference_are_rarely_marked_however_their_seeds_spread(spreads: list[float]):
    """With all arms taken to spread alike every tenth to sixth table would be, where one arm spreads more."""
    assert falsely_marked(300, spreads) <= 0.08


def test_a_single_difference_of_an_arm_that_spreads_more_is_rarely_called_certain():
    """With all arms taken to spread alike a fifth would be."""
    assert marked(300, [0.1, 0.01, 0.01, 0.01, 0.01]) <= 0.12


def test_two_arms_of_two_seeds_hold_the_truth():
    assert 1 - marked(300, [0.05, 0.05], first=2) >= 0.93


def test_many_seeds_tell_their_own_spread():
    between = np.array([0.0004, 0.0064])
    table = Table(between=between, explained=np.full(2, 0.0), seeds=np.full(2, 500))
    for arm, variance in enumerate(between):
        one = Table(between=between[[arm, 1 - arm]], explained=table.explained, seeds=table.seeds)
        found = by_seeds(one, 1)
        assert float(found.weights @ found.variances) == pytest.approx(variance / 500, rel=0.15)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_arms_at_the_floor_or_the_ceiling_do_not_make_others_look_certain(chance: float):
    generator, shared = np.random.default_rng(0), np.zeros(60)
    odd, base = (
        replace(one, sums=np.stack([one.sums[0], one.sums[1], other.sums[0]]))
        for one, other in ((arm(generator, -0.4, 2, shared), arm(generator, at, 1, shared)) for at in (0.2, -0.4))
    )
    stuck = [replace(base, sums=np.stack([base.counts * chance] * 3)) for _ in range(8)]
    alone, among = (difference(odd, base, pool=pool) for pool in ([odd, base], [odd, base, *stuck]))
    assert (among.low, among.high, among.p) == (alone.low, alone.high, alone.p)


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


def test_rows_at_the_ceiling_do_not_make_others_look_wild():
    arms = table(1, [0.03, 0.03])
    stuck = [replace(arms[0], sums=np.stack([arms[0].counts] * 3)) for _ in range(4)]
    assert apart(dict(zip("abcdef", [*arms, *stuck], strict=True))) == []


def test_the_arm_that_spreads_more_is_named():
    arms = table(1, [0.01, 0.01, 0.01, 0.01, 0.15])
    assert apart(dict(zip("abcde", arms, strict=True))) == ["e"]
    assert apart(dict(zip("abcd", arms, strict=False))) == []


def test_an_interval_does_not_ask_how_far_the_seeds_of_other_arms_spread():
    calm, wild = table(1, [0.01] * 5), table(1, [0.01, 0.01, 0.01, 0.01, 0.15])
    halves = [difference(arms[0], arms[1], exchanges=10, pool=arms).half for arms in (calm, wild)]
    assert halves[0] == halves[1] < difference(wild[4], wild[0], exchanges=10, pool=wild).half


def test_the_first_of_several_runs_is_a_draw_and_not_a_model_of_its_own():
    assert marked(300, [0.03] * 5, first=1) <= 0.08
    arms = table(1, [0.1] * 5, first=1)
    model = replace(arms[0], drawn=False)
    assert mean(arms[0], pool=arms).half > 2 * mean(model, pool=arms).half
    assert mean(arms[0], pool=arms).covers == "documents and seeds"


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


def test_arms_that_answered_different_documents_are_refused():
    one, other = (arm(np.random.default_rng(6), 0.0, 1, np.zeros(size)) for size in (20, 22))
    with pytest.raises(ArtifactError, match="different questions"):
        difference(one, other)


def test_each_length_and_each_task_within_it_counts_alike_in_the_headline():
    """As the score stage averages: the mean over tasks at each length, then over lengths."""
    right = [score("a", "reasoning", "1x", True), score("a", "extract_single", "2x", True)]
    wrong = [score(f"b{turn}", "extract_single", "1x", False) for turn in range(9)]
    assert mean(outcomes([right + wrong], ["1x", "2x"])).value == pytest.approx(0.75)


def test_the_headline_is_the_one_that_the_score_stage_wrote(store: Path):
    runs = read_store(store, "length_dist")
    for result in runs.results.values():
        assert outcomes([result.scores], LENGTHS).overall[0] == pytest.approx(result.metrics["overall"])


def test_a_length_without_questions_is_refused():
    scores = [score("a", "reasoning", "1x", True)]
    with pytest.raises(ArtifactError, match="no question at length '4x'"):
        outcomes([scores], ["1x", "4x"])


def test_the_permutation_p_is_uniform_without_a_difference():
    generator = np.random.default_rng(7)
    found = np.array([permutation(generator.normal(size=40), exchanges=400) for _ in range(400)])
    assert abs((found < 0.5).mean() - 0.5) < 0.08 and abs((found < 0.1).mean() - 0.1) < 0.05


def test_holm_multiplies_the_smallest_most_and_keeps_the_order():
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.9})
    assert found == pytest.approx({"a": 0.04, "b": 0.09, "c": 0.09, "d": 0.9})


def test_the_same_scores_always_give_the_same_interval():
    found = arm(np.random.default_rng(8), 0.0, 3, np.zeros(30), 0.05)
    assert mean(found) == mean(found)


def test_a_difference_takes_less_than_a_third_of_a_second():
    generator = np.random.default_rng(9)
    shared = generator.uniform(-0.2, 0.2, 100)
    one, other = arm(generator, 0.1, 3, shared), arm(generator, 0.0, 3, shared)
    difference(one, other, exchanges=10)
    started = time.process_time()
    difference(one, other)
    assert time.process_time() - started < 0.3

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmprolong.errors import ArtifactError
from mmprolong.reporting.sources.runs import read_store
from mmprolong.reporting.statistics.estimates import apart, difference, holm, mean, permutation
from mmprolong.reporting.statistics.outcomes import outcomes
from mmprolong.reporting.statistics.spread import Table, by_seeds
from tests.reporting.simulated import arm, score, table
from tests.stores import LENGTHS


def test_a_single_run_is_compared_with_every_seed_of_the_other():
    generator = np.random.default_rng(3)
    shared = generator.uniform(-0.2, 0.2, 100)
    base, trained = arm(generator, 0.0, 1, shared), arm(generator, 0.2, 3, shared, 0.02)
    found = difference(trained, base)
    assert found.covers == "documents and seeds"
    assert found.value == pytest.approx(trained.overall.mean() - base.overall[0])
    assert found.clear and found.p < 0.01
    assert mean(base).covers == "documents"


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
    for at, variance in enumerate(between):
        one = Table(between=between[[at, 1 - at]], explained=table.explained, seeds=table.seeds)
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


def test_rows_at_the_ceiling_do_not_make_others_look_wild():
    arms = table(1, [0.03, 0.03])
    stuck = [replace(arms[0], sums=np.stack([arms[0].counts] * 3)) for _ in range(4)]
    assert apart(dict(zip("abcdef", [*arms, *stuck], strict=True))) == []


def test_the_arm_that_spreads_more_is_named():
    arms = table(1, [0.01, 0.01, 0.01, 0.01, 0.15])
    assert apart(dict(zip("abcde", arms, strict=True))) == ["e"]
    assert apart(dict(zip("abcd", arms, strict=False))) == []


def test_the_first_of_several_runs_is_a_draw_and_not_a_model_of_its_own():
    assert marked(300, [0.03] * 5, first=1) <= 0.08
    arms = table(1, [0.1] * 5, first=1)
    model = replace(arms[0], drawn=False)
    assert mean(arms[0], pool=arms).half > 2 * mean(model, pool=arms).half
    assert mean(arms[0], pool=arms).covers == "documents and seeds"


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

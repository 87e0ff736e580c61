from dataclasses import replace

import pytest

from mmprolong.reporting.statistics.contrasts import (
    Against,
    Contrast,
    arms_of,
    compare,
    estimates_by_length,
    uneven_arms,
)
from mmprolong.reporting.statistics.intervals import difference
from mmprolong.reporting.statistics.scores import ArmScores
from tests.analysis.runs import runs_of
from tests.reporting.test_intervals import COVERAGE


def table(*spreads: float, seeds: int = 3, trial: int = 1, effect: float = 0.0) -> dict[str, ArmScores]:
    design = COVERAGE.Design("made", spreads, seeds=seeds, accuracy=(0.6,) * 4, effect=effect)
    return dict(zip("abcdefgh", COVERAGE.simulated(design, trial)[0], strict=False))


def test_holm_counts_the_comparisons_that_have_not_run_yet():
    runs = runs_of({"a": 0.5, "b": 0.6, "c": 0.6, "d": 0.6}, ["t"], ["1x"], "a")
    contrast = Contrast(key="delta", title="", pairs={label: Against(row="a") for label in "bcdx"})
    part = replace(runs, results={step: one for step, one in runs.results.items() if "-c-" not in step})
    found = compare(part, [contrast], part.average)
    assert found.keys() == {("delta", label) for label in "bcd"}
    assert found["delta", "c"] is None
    arms = arms_of(part, part.average)
    alone = min(difference(arms[label], arms["a"]).p for label in "bd")
    assert min(one.p for one in found.values() if one) == pytest.approx(min(1.0, 3 * alone))


def test_a_row_may_be_compared_with_another_at_its_own_length():
    runs = runs_of({"a": 0.5, "b": 0.9}, ["t"], ["1x", "2x"], "a", documents=20)
    pairs = {"b": Against(row="a", lengths=("2x",))}
    lengths = estimates_by_length(runs)
    found = compare(runs, [Contrast(key="at", title="", pairs=pairs)], runs.average)["at", "b"]
    assert found and found.value == pytest.approx(lengths["b"]["2x"].value - lengths["a"]["2x"].value)
    gone = {"b": Against(row="a", lengths=("4x",))}
    assert compare(runs, [Contrast(key="at", title="", pairs=gone)], runs.average)["at", "b"] is None


def test_an_arm_whose_seeds_spread_more_than_the_others_is_named():
    found = [set(uneven_arms(table(0.002, 0.002, 0.002, 0.2, trial=trial))) for trial in range(20)]
    assert sum(each == {"d"} for each in found) > 15
    assert sum(bool(uneven_arms(table(0.02, 0.02, 0.02, 0.02, trial=trial))) for trial in range(20)) < 5


def test_a_run_of_which_a_benchmark_is_missing_has_no_result():
    runs = runs_of({"a": 0.5, "b": 0.9}, ["t"], ["1x"], "a", seeds=2, benchmarks=["one", "two"])
    part = replace(runs, results={step: one for step, one in runs.results.items() if step != "two-b-s1"})
    assert len(part.of("b")) == 1 and [point.name for point in part.missing] == ["b (seed 1)"]

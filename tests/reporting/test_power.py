from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmprolong import plugins
from mmprolong.errors import FeasibilityError
from mmprolong.records import Cell
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.statistics.power import Design, design_of
from mmprolong.reporting.tables.power_table import power_table
from tests.analysis.runs import judged, runs_of, runs_with
from tests.stores import Truth, write_store

BENCHMARK = plugins.load_file(Path(__file__).parents[2] / "benchmarks" / "power.py")
NONE = Design(
    seeds=3, clusters=80, questions=4, cell_means=1, sides=2, interaction=0, by_question=0, residual=0, seed=0
)


def sweep(seeds: int, document: float, question: float, spread: float, labels: int = 8) -> Runs:
    """Arms without a difference between them, 60 documents with 4 questions, as `BENCHMARK` draws them."""
    world, asked = BENCHMARK.World(document=document, question=question, seed=spread), BENCHMARK.asked(60, 4)
    generator = np.random.default_rng(0)
    shared = generator.uniform(-BENCHMARK.SHARED, BENCHMARK.SHARED, 60)
    arms = [BENCHMARK.arm(generator, world, 0.0, seeds, shared, asked) for _ in range(labels)]
    cell = Cell("made", "t", "1x")
    scores = {
        (str(label), seed): [judged(cell, str(asked.cluster[n]), str(n), value) for n, value in enumerate(row.tolist())]
        for label, arm in enumerate(arms)
        for seed, row in enumerate(arm.values)
    }
    return runs_with(scores, "0")


def test_the_components_of_finished_runs_are_those_of_the_truth():
    found = design_of(sweep(6, 0.1, 0.15, 0.04))
    truth = BENCHMARK.World(document=0.1, question=0.15, seed=0.04).design(6, 60, 4)
    assert (found.seeds, found.clusters, found.questions, found.sides) == (6, 60, 4, 2)
    for name, part, true in zip(("interaction", "residual", "seed"), found.variances, truth.variances, strict=True):
        assert part == pytest.approx(true, rel=0.5), name
    assert found.residual == pytest.approx(truth.residual, rel=0.06)


def test_where_nothing_but_chance_differs_the_rest_is_small():
    found = design_of(sweep(6, 0.0, 0.0, 0.0))
    interaction, residual, seed = found.variances
    assert interaction < 0.4 * residual and seed < 0.5 * residual


@pytest.mark.parametrize(("seeds", "documents", "spread"), [(1, 100, 0.0), (3, 100, 0.03), (5, 40, 0.02)])
def test_the_predicted_power_is_the_simulated_one(seeds: int, documents: int, spread: float):
    """Within 4 points; one standard error of the simulated share is 1.3."""
    truth = BENCHMARK.World(seed=spread)
    effect = truth.design(seeds, documents, 4).smallest()
    assert truth.design(seeds, documents, 4).power(effect) == pytest.approx(0.8, abs=0.001)
    assert BENCHMARK.simulated(truth, effect, seeds, documents, 4, 1000) == pytest.approx(0.8, abs=0.04)


def test_more_of_anything_shows_smaller_differences():
    design = replace(NONE, interaction=0.05, by_question=0.8, residual=0.2, seed=3e-4)
    for more in ({"seeds": 6}, {"clusters": 160}, {"questions": 8}):
        assert replace(design, **more).smallest() < design.smallest()


def test_more_seeds_cannot_see_below_what_documents_leave():
    design = replace(NONE, interaction=0.05)
    assert replace(design, seeds=64).smallest() > 0.95 * design.smallest()


@pytest.mark.parametrize("clusters", [4, 200])
def test_where_nothing_can_be_seen_the_smallest_difference_is_all_of_the_scale(clusters: int):
    assert replace(NONE, interaction=0.1, seed=0.25, seeds=2, clusters=clusters).smallest() == 1


def test_the_table_names_the_smallest_difference_and_those_of_larger_designs(tmp_path: Path):
    runs = read_store(write_store(tmp_path, Truth(documents=12)), "length_dist")
    table = power_table(runs, comparisons=3)
    alone, in_table = (table.cell("as designed", key).value or 0 for key in ("alone", "in_table"))
    assert alone == pytest.approx(100 * design_of(runs).smallest()) and in_table > alone
    more = [table.cell(f"twice the {what}", "in_table").value or 99 for what in ("seeds", "documents", "questions")]
    assert max(more) < in_table


def test_runs_that_are_missing_are_told(tmp_path: Path):
    runs = read_store(write_store(tmp_path, Truth(documents=12, missing=frozenset([("uniform", 1)]))), "length_dist")
    assert any("Missing: uniform (seed 1)" in note for note in power_table(runs, 3).notes)


@pytest.mark.parametrize("seeds", [0, 1])
def test_too_few_runs_are_one_line(seeds: int):
    runs = runs_of({"a": 0.5, "b": 0.6}, ["reasoning"], ["1x"], "a", seeds=max(seeds, 1))
    with pytest.raises(FeasibilityError, match="needs results of a and of another arm, one of them with two seeds"):
        design_of(runs if seeds else replace(runs, results={}))

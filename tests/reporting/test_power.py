import random
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong import plugins
from mmprolong.errors import FeasibilityError
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.records import Sample
from mmprolong.reporting.sources.runs import Result, Runs, read_store
from mmprolong.reporting.statistics.components import Components, components
from mmprolong.reporting.statistics.power import Design, cheaper, design_of, power, smallest
from mmprolong.reporting.tables.power_table import power_table
from tests.analysis.runs import runs_of
from tests.stores import Truth, judged, write_store

BENCHMARK = plugins.load_file(Path(__file__).parents[2] / "benchmarks" / "power.py")
TRIALS = 400
"""One standard error of a share is then at most 2.5 points."""
NONE = Components(document=0, question=0, document_noise=0, question_noise=0, seed=0)


def world(seeds: int, document: float, question: float, spread: float, labels: int = 8) -> Runs:
    """Arms without a difference between them, 60 documents with 4 questions; uniform effects of these deviations."""

    def effect(deviation: float, *names: object) -> float:
        return random.Random("/".join(map(str, names))).uniform(-1, 1) * 3**0.5 * deviation

    points, results = [], {}
    config = {"suite": {"labels": ["1x"], "overall": ["1x"]}, "phases": {}}
    for label in map(str, range(labels)):
        for seed in range(seeds):
            scores = []
            for asked in range(240):
                chance = 0.5 + effect(document, label, asked // 4) + effect(question, label, "q", asked)
                chance += effect(spread, label, "seed", seed)
                right = random.Random(f"{label}/{seed}/{asked}").random() < chance
                scores.append(judged(sample_of(str(asked), str(asked // 4)), right))
            step = f"{label}-{seed}"
            points.append(Point(label=label, seed=seed, config=config, steps={"score": step}))
            results[step] = Result(id=step, metrics={"accuracy": {"1x": 0.5}}, scores=tuple(scores))
    return Runs(plan=Plan(ablation="made", baseline="0", points=tuple(points)), results=results)


def sample_of(name: str, document: str) -> Sample:
    return Sample(id=name, document=document, task="reasoning", length="1x", depth=0.0, target="7")


def test_the_components_of_finished_runs_are_those_of_the_truth():
    found = components(world(6, 0.1, 0.15, 0.04)).components
    spread = 0.1**2 + 0.15**2 + 0.04**2
    assert found.document == pytest.approx(2 * 0.1**2, abs=0.012)
    assert found.question == pytest.approx(2 * 0.15**2, abs=0.02)
    assert found.question_noise == pytest.approx(0.25 - spread, abs=0.01)
    assert found.document_noise < 0.003 and found.seed == pytest.approx(0.04**2, rel=0.6)


def test_where_nothing_but_chance_differs_the_rest_is_small():
    found = components(world(6, 0.0, 0.0, 0.0)).components
    assert found.question_noise == pytest.approx(0.25, abs=0.01)
    assert max(found.document, found.question / 4, found.document_noise) < 0.01 and found.seed < 6e-4


@pytest.mark.parametrize(("seeds", "documents", "spread"), [(1, 100, 0.0), (3, 100, 0.03), (5, 40, 0.02)])
def test_the_predicted_power_is_the_simulated_one(seeds: int, documents: int, spread: float):
    truth = BENCHMARK.World(seed=spread)
    design = BENCHMARK.design(truth, seeds, documents, 4)
    effect = smallest(design)
    assert power(design, effect) == pytest.approx(0.8, abs=0.001)
    found = BENCHMARK.simulated(truth, effect, seeds, documents, 4, TRIALS, exchanges=4000)
    assert found == pytest.approx(0.8, abs=0.03 + 2 * 0.02)


def test_tables_without_a_difference_are_rarely_marked():
    found, _ = BENCHMARK.false_discoveries(BENCHMARK.World(seed=0.02), [0.0] * 3, 3, 60, 4, TRIALS, exchanges=2000)
    assert found <= 0.05 + 2 * 0.011


def test_more_of_anything_shows_smaller_differences():
    found = Components(document=0.01, question=0.04, document_noise=0.001, question_noise=0.2, seed=3e-4)
    design = Design(components=found, seeds=3, documents=80, questions=4)
    for more in ({"seeds": 6}, {"documents": 160}, {"questions": 8}):
        assert smallest(replace(design, **more)) < smallest(design)


def test_of_two_ways_the_cheaper_is_named():
    design = Design(components=replace(NONE, document=0.05, seed=1e-4), seeds=3, documents=80, questions=4)
    goal = smallest(design) / 2
    found = cheaper(design, goal, cost_of_seed=1.0, cost_of_question=0.001)
    assert found["questions"] is None and found["seeds"] is None
    chosen = found["all"]
    assert chosen is not None and smallest(chosen) <= goal and chosen.documents > 80
    dear = cheaper(design, goal, cost_of_seed=0.0, cost_of_question=1.0)["all"]
    assert dear is not None and dear.documents <= chosen.documents and dear.seeds >= chosen.seeds


def test_more_seeds_cannot_see_below_what_documents_leave():
    design = Design(components=replace(NONE, document=0.05), seeds=3, documents=80, questions=4)
    assert smallest(replace(design, seeds=64)) > 0.95 * smallest(design)


@pytest.mark.parametrize("documents", [4, 200])
def test_where_nothing_can_be_seen_the_smallest_difference_is_all_of_the_scale(documents: int):
    noisy = Design(components=replace(NONE, document=0.1, seed=0.25), seeds=2, documents=documents, questions=4)
    assert smallest(noisy) == 1


def test_the_table_names_the_smallest_difference_and_the_commands(tmp_path: Path):
    runs = read_store(write_store(tmp_path, Truth(documents=12)), "length_dist")
    table = power_table(runs, comparisons=3)
    design = design_of(components(runs))
    assert table.cell("as it is", "alone").value == pytest.approx(100 * smallest(design))
    assert (table.cell("as it is", "in_table").value or 0) > (table.cell("as it is", "alone").value or 0)
    assert (table.cell("cheapest", "in_table").value or 99) <= (table.cell("as it is", "in_table").value or 0) / 2
    assert "+ablation=length_dist" in table.cell("cheapest", "command").text
    assert (table.cell("cheapest", "cost").value or 0) > (table.cell("as it is", "cost").value or 0)


def test_runs_that_are_missing_are_told(tmp_path: Path):
    runs = read_store(write_store(tmp_path, Truth(documents=12, missing=frozenset([("uniform", 1)]))), "length_dist")
    assert any("Missing runs: 1; this is what 3 seeds of every arm" in note for note in power_table(runs, 3).notes)


def test_the_commands_are_those_of_the_sweep_with_what_is_new(tmp_path: Path):
    runs = read_store(write_store(tmp_path, Truth(documents=12)), "length_dist")
    typed = ("+ablation=length_dist", "sweep.seeds=[0,1,2]", "corpus.path=my pool", "paths.store=elsewhere")
    made = power_table(replace(runs, plan=replace(runs.plan, overrides=typed)), comparisons=3)
    words = shlex.split(made.cell("more seeds", "command").text)
    assert words[:3] == ["python", "-m", "mmprolong.sweep"]
    assert words[3:5] == ["+ablation=length_dist", "corpus.path=my pool"] and words[-1] == f"paths.store={runs.store}"
    (seeds,) = (word for word in words if word.startswith("sweep.seeds="))
    assert seeds.startswith("sweep.seeds=[0,1,2,3")


@pytest.mark.parametrize(("seeds", "reason"), [(1, "no arm has two seeds"), (0, "needs results of a")])
def test_too_few_runs_are_one_line(seeds: int, reason: str):
    runs = runs_of({"a": 0.5, "b": 0.6}, ["reasoning"], ["1x"], "a", seeds=max(seeds, 1))
    with pytest.raises(FeasibilityError, match=reason):
        components(runs if seeds else replace(runs, results={}))

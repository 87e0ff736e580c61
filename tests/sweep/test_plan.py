import shutil
from pathlib import Path

import pytest

from mmprolong.errors import ConfigError, refuse
from mmprolong.pipeline.plan import load_plan, save_plan
from mmprolong.pipeline.steps import stage_of
from mmprolong.store.store import Store
from mmprolong.sweep.comparable import equal_rows
from mmprolong.sweep.plan import make_plan
from mmprolong.sweep.spec import Ablation, draft, labels, problems
from tests.corpus.pdfs import write_pdf

BLOCK = {
    "name": "length_dist",
    "question": "?",
    "source": "s",
    "table": "length_dist",
    "baseline": "a",
    "points": {"a": ["length_distribution=uniform"], "b": ["length_distribution=pool_native"]},
}


def parse(block: object) -> Ablation:
    ablation = draft(block)
    refuse(problems(ablation))
    return ablation


def plan_of(store: Path, *overrides: str):
    return make_plan(["+ablation=length_dist", f"paths.store={store}", *overrides])[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"baseline": "c"}, "'c' is no label"),
        ({"seeds": [1, 1]}, "each once"),
        ({"seeds": []}, "each once"),
        ({"points": {"a": []}}, "has no override"),
        ({"points": {"a": ["length_distribution=uniform", " "]}}, "has no override"),
        ({"points": {}}, "no points, no grid and no zip"),
        ({"points": {"a": ["rope=base_x1"], "b\x1b[1m": ["rope=base_x2"]}}, "cannot be printed as it is"),
        ({"points": {"a": ["rope=base_x1"], "b\n": ["rope=base_x2"]}}, "cannot be printed as it is"),
        ({"zip": [{"x": ["a=1"]}, {"1": ["a=2"], "2": ["a=3"]}]}, "axes of [1, 2] labels"),
        (
            {"points": {"a": ["a=1"], "x / 1": ["a=1"]}, "grid": [{"x": ["a=1"]}, {"1": ["b=1"]}]},
            "two rows are called 'x / 1'",
        ),
        ({"grid": {"rope": ["rope=base_x1"]}}, "sweep.grid: is no list of axes; write one: [{label: [key=value], ..."),
        ({"basline": "a"}, "did you mean 'baseline'?"),
        ({"seeds": ["x"]}, "Expected `int`"),
        ({"table": "length_dst"}, "did you mean 'length_dist'?"),
        ({"published": "mmprolong_rope_bas.csv"}, "did you mean 'mmprolong_rope_base.csv'?"),
        ({"published": "mmprolong_rope_base.csv", "table": ""}, "without a table nothing shows it"),
        ({"seeds": [-1]}, "sweep.seeds: [-1]; name one or more, each once, from 0 on"),
        ({"points": {"a": ["rope=base_x1", "seed=9"]}}, "the label 'a' sets seed=9; name seeds in sweep.seeds"),
        (
            {"points": {"a": ["cluster=slurm_cpu"]}},
            "the label 'a' sets cluster=slurm_cpu; a sweep has one: set it when",
        ),
        ({"points": {"a": ["rope=base_x1", "paths.store=x"]}}, "the label 'a' sets paths.store=x; a sweep has one"),
        ({"points": {"a": "rope=base_x1"}}, "the label 'a' stands for 'rope=base_x1'; write a list of overrides"),
        ({"grid": [{"x": "rope=base_x1"}]}, "the label 'x' stands for 'rope=base_x1'; write a list of overrides"),
        ({"points": {"a": [3]}}, "the label 'a' stands for [3]; write a list of overrides"),
    ],
)
def test_a_wrong_block_is_one_line(change: dict, says: str):
    with pytest.raises(ConfigError) as caught:
        parse({**BLOCK, **change})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("block", "says"), [(3, "sweep: 3; it is a block"), ({}, "no ablation was chosen")])
def test_no_block_is_one_line(block: object, says: str):
    with pytest.raises(ConfigError, match=says):
        parse(block)


def test_all_that_is_wrong_with_a_block_is_said_at_once():
    with pytest.raises(ConfigError) as caught:
        parse({**BLOCK, "seeds": [0, 0], "baseline": "c", "zip": [{"x": ["a=1"]}, {"1": ["b=1"], "2": ["c=1"]}]})
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
        "sweep.zip",
        "sweep.seeds",
        "sweep.baseline",
    ]


def test_a_grid_is_every_combination():
    grid = [{"x": ["rope=base_x1"], "y": ["rope=base_x2"]}, {"1": ["task_mix=0_10"], "2": ["task_mix=10_0"]}]
    rows = labels(parse({**BLOCK, "points": {}, "grid": grid, "baseline": "x / 1"}))
    assert list(rows) == ["x / 1", "x / 2", "y / 1", "y / 2"]
    assert rows["y / 2"] == ["rope=base_x2", "task_mix=10_0"]


def test_zip_walks_its_axes_in_step():
    axes = [{"x": ["rope=base_x1"], "y": ["rope=base_x2"]}, {"1": ["task_mix=0_10"], "2": ["task_mix=10_0"]}]
    rows = labels(parse({**BLOCK, "zip": axes}))
    assert list(rows) == [*BLOCK["points"], "x / 1", "y / 2"]
    assert rows["y / 2"] == ["rope=base_x2", "task_mix=10_0"]


def test_a_plan_has_the_name_of_its_ablation(tmp_path: Path):
    (line,) = told(tmp_path, "sweep.name=rope_base")
    assert line.startswith("override 'sweep.name=rope_base': sweep.name: 'rope_base', but this is length_dist")


@pytest.mark.parametrize(
    ("ablation", "override"),
    [
        ("length_dist", "length_distribution=uniform"),
        ("length_dist", "phases.longpt.mixture.length.tilt=1"),
        ("length_dist", "phases.longpt.mixture.length={name: mine}"),
        ("length_dist", "seed=3"),
        ("rope_base", "phases.longpt.rope.factor=4"),
        ("rope_unchanged", "phases.longpt.rope.factor=4"),
        ("extraction_ratio", "phases.longpt.mixture.task_mix.reasoning=0.5"),
        ("token_budget", "phases.longpt.mixture.tokens=5"),
        ("page_size", "corpus.thumbnail=56"),
    ],
)
def test_what_the_rows_vary_cannot_be_set_for_all(ablation: str, override: str):
    with pytest.raises(ConfigError) as caught:
        make_plan([f"+ablation={ablation}", override])
    key = override.partition("=")[0]
    assert f"override {override!r}: {key}: the rows of {ablation} vary it; leave it out" in str(caught.value)


@pytest.mark.parametrize("override", ["phases.longpt.mixture.tokens=16384", "corpus.dpi=100", "suite.batch=4096"])
def test_what_the_rows_have_alike_can_be_set_for_all(override: str):
    make_plan(["+ablation=length_dist", override])


def test_every_point_at_every_seed_and_equal_steps_once(tmp_path: Path):
    plan = plan_of(tmp_path)
    assert len(plan.points) == 15
    trained = {point.steps["longpt.training"] for point in plan.points if "longpt.training" in point.steps}
    assert len(trained) == 12
    assert len({point.steps["score"] for point in plan.points if point.label == "base"}) == 1


def test_steps_come_after_what_they_need(tmp_path: Path):
    plan = plan_of(tmp_path)
    order = list(plan.steps)
    for position, step in enumerate(plan.steps.values()):
        assert all(order.index(each) < position for each in step.inputs.values())


def test_a_role_tells_the_stage_of_its_step(tmp_path: Path):
    plan = plan_of(tmp_path, "short_data=mix_20")
    roles = {role: plan.steps[name].stage for point in plan.points for role, name in point.steps.items()}
    assert {"longpt.short", "suite.source", "score"} <= roles.keys()
    assert roles == {role: stage_of(role) for role in roles}


def test_where_it_runs_is_no_identity(tmp_path: Path):
    here = plan_of(tmp_path / "a")
    there = plan_of(tmp_path / "b", "tracking=off", "cluster.processes=7", "training.threads=2", "suite.batch=1")
    assert list(here.steps) == list(there.steps)


def test_a_copy_of_a_pool_is_the_same_pool(tmp_path: Path):
    here = write_pdf(tmp_path / "here" / "a.pdf").parent
    there = shutil.copytree(here, tmp_path / "there" / "copied")
    one, other = (plan_of(tmp_path / "store", f"corpus.path={path}") for path in (here, there))
    assert list(one.steps) == list(other.steps)
    assert next(iter(one.steps)).startswith("pdfs-")
    more = write_pdf(write_pdf(tmp_path / "more" / "a.pdf").with_name("b.pdf")).parent
    assert not plan_of(tmp_path / "store", f"corpus.path={more}").steps.keys() & one.steps.keys()


def test_what_it_is_is_identity(tmp_path: Path):
    here, other = plan_of(tmp_path), plan_of(tmp_path, "phases.longpt.optimizer.peak=0.001")
    changed = set(here.steps) - set(other.steps)
    assert {here.steps[name].stage for name in changed} == {"training", "reply", "score"}


def test_ablations_share_what_is_equal(tmp_path: Path):
    other = make_plan(["+ablation=rope_base", f"paths.store={tmp_path}"])[0]
    shared = set(other.steps) & set(plan_of(tmp_path).steps)
    assert {other.steps[name].stage for name in shared} == {
        "corpus",
        "synthesis",
        "mixture",
        "training",
        "reply",
        "score",
    }


def test_all_wrong_points_are_named_at_once(tmp_path: Path):
    wrong = ["+sweep.points.x=['task_mix=9_9']", "+sweep.points.y=['rope=base_x3']"]
    with pytest.raises(ConfigError) as caught:
        plan_of(tmp_path, *wrong)
    assert len(str(caught.value).splitlines()) == 2


def test_a_problem_of_all_points_is_said_once(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        plan_of(tmp_path, "corpus.path=/nowhere")
    assert str(caught.value).startswith("override 'corpus.path=/nowhere': corpus.path: '/nowhere' is not a folder")
    assert "\n" not in str(caught.value)


def told(store: Path, *overrides: str) -> list[str]:
    """The lines in which a sweep is refused."""
    with pytest.raises(ConfigError) as caught:
        plan_of(store, *overrides)
    return str(caught.value).splitlines()


def test_a_wrong_baseline_hides_no_wrong_point(tmp_path: Path):
    wrong = ["sweep.baseline=c", "+sweep.points.x=['task_mix=9_9']", "suite.trained=7x", "model.window=0"]
    baseline, window, trained, row = told(tmp_path, *wrong)
    assert baseline.startswith("override 'sweep.baseline=c': sweep.baseline: 'c' is no label")
    assert window.startswith("override 'model.window=0': model.window: 0;")
    assert trained.startswith("override 'suite.trained=7x': length_dist/base (and 4 more): suite.trained: '7x'")
    assert "length_dist/x: task_mix: '9_9' is unknown" in row


def test_two_ablations_are_no_sweep(tmp_path: Path):
    (line,) = told(tmp_path, "+ablation=rope_base")
    assert "ablation: length_dist, rope_base; a sweep is one ablation" in line


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["suite.source.seed=7"], "suite.source.seed: 7, but 1000 in 'pool_native'"),
        (["suite.scorer=exact_match"], "suite.scorer: 'exact_match', but 'stamps' in 'pool_native'"),
        (["suite.source.documents=5"], "suite.source.documents: 5, but 24 in 'pool_native'"),
        (["suite.source.seed=${seed}"], "suite.source.seed: 0, but 1000 in 'pool_native'"),
        (["corpus.heldout=0.5"], "corpus.heldout: 0.5, but 0.25 in 'pool_native'"),
    ],
)
def test_rows_that_answer_other_questions_are_no_table(tmp_path: Path, overrides: list[str], says: str):
    (line,) = told(tmp_path, f"+sweep.points.x={overrides}")
    assert f"length_dist/x: {says}" in line
    assert line.endswith("; ask all rows the same questions")


def test_rows_may_differ_in_what_they_are_trained_on(tmp_path: Path):
    assert plan_of(tmp_path, "+sweep.points.x=['suite.trained=4x','corpus.thumbnail=28']")


def test_rows_that_are_the_same_runs_are_remarked(tmp_path: Path):
    assert list(equal_rows(plan_of(tmp_path))) == []
    (remark,) = equal_rows(plan_of(tmp_path, "+sweep.points.x=['length_distribution=uniform']"))
    assert remark == "the same runs: 'uniform', 'x' differ in nothing; one of them is enough"


def test_a_saved_plan_is_read_back(tmp_path: Path):
    plan = plan_of(tmp_path)
    save_plan(Store(tmp_path), plan)
    assert load_plan(Store(tmp_path), "length_dist") == plan


def test_an_ablation_that_was_not_launched_names_the_nearest(tmp_path: Path):
    with pytest.raises(ConfigError, match="did you mean 'length_dist'"):
        load_plan(Store(tmp_path), "length_dst")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_an_ablation_may_stand_in_quotes_as_any_choice_may(tmp_path: Path, quote: str):
    plan, _ = make_plan([f"+ablation={quote}rope_base{quote}", f"paths.store={tmp_path}"])
    assert plan.ablation == "rope_base" and len(plan.points) == 12

"""A plan: every arm at every seed, equal steps once, and nothing that cannot be a row of one table."""

import shutil
from pathlib import Path

import pytest

from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import Plan, load_plan, save_plan
from mmprolong.pipeline.steps import stage_of
from mmprolong.store.store import Store
from mmprolong.sweep.arm_checks import describe_equal_arms
from mmprolong.sweep.planning import make_plan
from tests.corpus.pdfs import write_pdf


def plan_of(store: Path, *overrides: str) -> Plan:
    return make_plan(["+ablation=length_dist", f"paths.store={store}", *overrides])[0]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """As the file says it."""
    return plan_of(tmp_path_factory.mktemp("store"))


def told(store: Path, *overrides: str) -> list[str]:
    """The lines in which a sweep is refused."""
    with pytest.raises(ConfigError) as caught:
        plan_of(store, *overrides)
    return str(caught.value).splitlines()


def test_every_arm_at_every_seed_and_equal_steps_once(plan: Plan):
    assert len(plan.points) == 15
    trained = {point.steps["training.longpt"] for point in plan.points if "training.longpt" in point.steps}
    assert len(trained) == 12
    assert len({point.steps["score.heldout"] for point in plan.points if point.label == "base"}) == 1


def test_steps_come_after_what_they_need(plan: Plan):
    order = list(plan.steps)
    for position, step in enumerate(plan.steps.values()):
        assert all(order.index(each) < position for each in step.inputs.values())


def test_a_role_tells_the_stage_of_its_step(tmp_path: Path):
    plan = plan_of(tmp_path, "short_data=mix_20")
    roles = {role: plan.steps[name].stage for point in plan.points for role, name in point.steps.items()}
    assert {"mixture.longpt", "synthesis.short", "score.heldout"} <= roles.keys()
    assert roles == {role: stage_of(role) for role in roles}


def test_where_it_runs_is_no_identity(plan: Plan, tmp_path: Path):
    where = ["tracking=off", "cluster.processes=7", "training.threads=2", "corpus.seconds=5"]
    assert list(plan.steps) == list(plan_of(tmp_path, *where).steps)


def test_a_copy_of_a_pool_is_the_same_pool(tmp_path: Path):
    here = write_pdf(tmp_path / "here" / "a.pdf").parent
    there = shutil.copytree(here, tmp_path / "there" / "copied")
    one, other = (plan_of(tmp_path / "store", f"corpus.path={path}") for path in (here, there))
    assert list(one.steps) == list(other.steps)
    more = write_pdf(write_pdf(tmp_path / "more" / "a.pdf").with_name("b.pdf")).parent
    assert not plan_of(tmp_path / "store", f"corpus.path={more}").steps.keys() & one.steps.keys()


def test_what_it_is_is_identity(plan: Plan, tmp_path: Path):
    other = plan_of(tmp_path, "phases.longpt.optimizer.peak_lr=0.001")
    changed = set(plan.steps) - set(other.steps)
    assert {plan.steps[name].stage for name in changed} == {"training", "reply", "score"}


def test_ablations_share_what_is_equal(plan: Plan, tmp_path: Path):
    other = make_plan(["+ablation=rope_base", f"paths.store={tmp_path}"])[0]
    shared = set(other.steps) & set(plan.steps)
    assert {"corpus", "synthesis", "mixture", "training", "samples", "reply", "score"} <= {
        other.steps[name].stage for name in shared
    }


@pytest.mark.parametrize(
    ("ablation", "override"),
    [
        ("length_dist", "length_distribution=uniform"),
        ("length_dist", "phases.longpt.mixture.components.long.lengths.tilt=1"),
        ("length_dist", "phases.longpt.mixture.components.long.lengths={name: mine}"),
        ("length_dist", "seed=3"),
        ("rope_base", "phases.longpt.rope.factor=4"),
        ("extraction_ratio", "phases.longpt.mixture.components.long.tasks.reasoning=0.5"),
        ("token_budget", "phases.longpt.mixture.tokens=5"),
        ("page_size", "view.thumbnail=56"),
    ],
)
def test_what_the_arms_vary_cannot_be_set_for_all(tmp_path: Path, ablation: str, override: str):
    with pytest.raises(ConfigError) as caught:
        make_plan([f"+ablation={ablation}", f"paths.store={tmp_path}", "sweep.seeds=[0]", override])
    key = override.partition("=")[0]
    assert f"override {override!r}: {key}: the arms of {ablation} vary it; leave it out" in str(caught.value)


@pytest.mark.parametrize("override", ["phases.longpt.mixture.tokens=16384", "view.dpi=100", "rope=base_x1"])
def test_what_the_arms_have_alike_can_be_set_for_all(tmp_path: Path, override: str):
    assert plan_of(tmp_path, override)


def test_a_problem_is_said_once_with_the_arms_that_have_it(tmp_path: Path):
    wrong = ["+sweep.points.x=['tasks=9_9']", "+sweep.points.y=['suite.trained=7x']", "view.dpi=0"]
    all_have_it, x, *others = told(tmp_path, *wrong)
    assert all_have_it.startswith("override 'view.dpi=0': length_dist/base (and 5 more): view.dpi: 0;")
    assert x.startswith("override 'tasks=9_9': length_dist/x: tasks: '9_9' is unknown")
    assert not others  # y has the wrong dpi as well, and its trained length is looked at when all values are right
    (line,) = told(tmp_path, "corpus.path=/nowhere")
    assert line.startswith("override 'corpus.path=/nowhere': corpus.path: '/nowhere' is not a folder")


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["sources.heldout.seed=7"], "sources.heldout.seed: 7, but 1000 in 'pool_native'"),
        (
            ["suite.benchmarks.heldout.scorer=exact_match"],
            "suite.benchmarks.heldout.scorer: 'exact_match', but 'stamps'",
        ),
        (["sources.heldout.seed=${seed}"], "sources.heldout.seed: 0, but 1000 in 'pool_native'"),
        (["selection.heldout=0.5"], "selection.heldout: 0.5, but 0.25 in 'pool_native'"),
        (["suite.overall=[2x]"], "suite.overall: ['2x'], but ['2x', '4x', '8x', '16x'] in 'pool_native'"),
    ],
)
def test_arms_that_answer_other_questions_are_no_table(tmp_path: Path, overrides: list[str], says: str):
    (line,) = told(tmp_path, f"+sweep.points.x={overrides}", "sweep.seeds=[0]")
    assert line.startswith(f"length_dist/x: {says}")
    assert line.endswith("; ask all arms the same questions")


def test_arms_may_differ_in_what_they_are_trained_on_and_shown(tmp_path: Path):
    more = "'suite.trained=4x','view.thumbnail=28','suite.benchmarks.heldout.new_tokens=8'"
    assert plan_of(tmp_path, f"+sweep.points.x=[{more}]")


def test_arms_that_are_the_same_runs_are_remarked(plan: Plan, tmp_path: Path):
    assert list(describe_equal_arms(plan)) == []
    (remark,) = describe_equal_arms(plan_of(tmp_path, "+sweep.points.x=['length_distribution=uniform']"))
    assert remark == "the same runs: 'uniform', 'x' differ in nothing; one of them is enough"


def test_a_saved_plan_is_read_back(plan: Plan, tmp_path: Path):
    save_plan(Store(tmp_path), plan)
    assert load_plan(Store(tmp_path), "length_dist") == plan


def test_an_ablation_that_was_not_launched_names_the_nearest(tmp_path: Path):
    with pytest.raises(ConfigError, match="did you mean 'length_dist'"):
        load_plan(Store(tmp_path), "length_dst")


@pytest.mark.parametrize("word", ["+ablation='rope_base'", '+ablation="rope_base"', "ablation=rope_base"])
def test_an_ablation_is_chosen_as_any_choice_may(tmp_path: Path, word: str):
    plan, _ = make_plan([word, f"paths.store={tmp_path}"])
    assert plan.ablation == "rope_base" and len(plan.points) == 12


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "no ablation was chosen; add +ablation=NAME"),
        (["+ablation=a", "+ablation=b"], "a, b; a sweep is one ablation"),
    ],
)
def test_a_sweep_is_one_ablation(words: list[str], says: str):
    with pytest.raises(ConfigError, match=says.replace("+", r"\+")):
        make_plan(words)


def test_hundreds_of_points_share_what_is_equal(tmp_path: Path):
    plan = plan_of(tmp_path, f"sweep.seeds={list(range(60))}")
    assert len(plan.points) == 300
    assert len(plan.steps) < 4 * len(plan.points)

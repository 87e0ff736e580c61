import json
from pathlib import Path

import msgspec
import pytest

from mmprolong.config.compose import Composer, to_json
from mmprolong.config.groups import ablations, groups, root
from mmprolong.errors import ConfigError
from mmprolong.sweep.plan import make_plan
from tests.golden.write import defaults

GOLDEN = Path(__file__).parent / "golden" / "step_ids.json"
CHOICES = [f"{path.parent.name}={path.stem}" for path in sorted(root("conf").glob("*/*.yaml"))]


@pytest.fixture(scope="module")
def composer() -> Composer:
    """Has composed the defaults."""
    composer = Composer()
    composer.compose([])
    return composer


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_composes_alone_and_after_the_defaults(choice: str, composer: Composer):
    config, _ = Composer().compose([choice])
    assert msgspec.convert(to_json(config), type=type(config)) == config
    assert composer.compose([choice])[0] == config


@pytest.mark.parametrize("name", ablations())
def test_every_ablation_keeps_its_step_ids(name: str, tmp_path: Path):
    """A changed id means that finished runs are not found again. If that is meant, write the golden file anew:
    `python -m tests.golden.write`.
    """
    plan, _ = make_plan([f"+ablation={name}", f"paths.store={tmp_path}"])
    assert list(plan.steps) == json.loads(GOLDEN.read_text())[name]


def test_every_ablation_file_has_a_golden_entry():
    assert sorted(json.loads(GOLDEN.read_text())) == ablations()


def test_no_default_has_changed():
    """Fields at their default are in no id: results of another default would be taken for results of this one."""
    assert json.loads(GOLDEN.with_name("defaults.json").read_text()).items() <= defaults().items()


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("task_mix=9_2", "did you mean '8_2'?"),
        ("+ablation=lenth_dist", "did you mean 'length_dist'?"),
        ("suit=proxy", "did you mean 'suite'?"),
        ("phases.longpt.mixture.tokns=3", "did you mean 'tokens'?"),
        ("+phases.longpt.mixture.tokns=3", "did you mean 'tokens'?"),
        ("phases.lonpt.mixture.tokens=3", "did you mean 'longpt'?"),
        ("phases.longpt.mixture.tokens=abc", "Expected `int`, got `str`"),
        ("phases.longpt.mixture.tokens=5e9", "Expected `int`, got `float`"),
        ("rope.factor=3", "rope.factor: rope is a group; choose rope=NAME"),
        ("~suite", "only key=value"),
        ("seed=1,2", "axes belong into an ablation file"),
        ("nonsense", "write key=value"),
        ("tracking.mode=ofline", "did you mean 'offline'?"),
        ("model.backbone=prxy", "did you mean 'proxy'?"),
        ("suite.scorer=stamp", "did you mean 'stamps'?"),
        ("corpus.renderer=mupdf", "did you mean 'pymupdf'?"),
        ("phases.longpt.objective=next_tok", "did you mean 'next_token'?"),
        ("phases.longpt.source.tasks=['${suite.bench}']", "${suite.bench} names no value"),
        ("tracking.project='at ${seed}'", "write ${KEY} alone"),
    ],
)
def test_a_wrong_override_is_one_line_with_the_way_out(override: str, says: str):
    with pytest.raises(ConfigError) as caught:
        Composer().compose([override])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_choice_that_looks_like_a_number_stays_text():
    config, _ = Composer().compose(["task_mix=2_8"])
    assert config.phases["longpt"].mixture.task_mix == {"extract_single": 0.1, "extract_multi": 0.1, "reasoning": 0.8}


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_choice_may_be_quoted(quote: str):
    assert Composer().compose([f"rope={quote}base_x1{quote}"])[0].phases["longpt"].rope.factor == 1


def test_the_seed_reaches_the_phases_of_the_sweep_and_not_the_pretraining():
    config, _ = Composer().compose(["seed=7"])
    assert {name: phase.seed for name, phase in config.phases.items() if phase.seed} == {"longpt": 7, "sft": 7}


def test_a_value_in_a_list_may_stand_for_another():
    suite = Composer().compose(["suite.overall=[1x,'${suite.trained}']"])[0].suite
    assert suite.overall == ["1x", suite.trained]


def test_a_stage_asks_for_what_others_do_until_it_says_more():
    cpus = "cluster.jobs.default.cpus=3"
    jobs = Composer().compose(["cluster=slurm_cpu", "cluster.jobs.reply.memory=9", cpus])[0].cluster.jobs
    assert (jobs["reply"].memory, jobs["reply"].cpus, jobs["reply"].minutes) == (9, 3, jobs["default"].minutes)
    assert (jobs["default"].memory, jobs["default"].cpus) == (4, 3)


def test_a_block_of_all_jobs_takes_the_place_of_what_was_typed_before_it():
    typed = ["cluster=slurm_cpu", "cluster.jobs.default={minutes: 100}", "cluster.jobs.default.cpus=3"]
    first, second = (Composer().compose(each)[0].cluster.jobs["default"] for each in (typed, typed[::-1]))
    assert (first.minutes, first.cpus) == (100, 3)
    assert (second.minutes, second.cpus) == (100, 1)


def test_no_job_asks_for_gpus_that_its_one_model_leaves_idle():
    clusters = (Composer().compose([f"cluster={name}"])[0].cluster for name in groups()["cluster"])
    assert {job.gpus for cluster in clusters for job in cluster.jobs.values()} == {0, 1}


def test_a_job_must_have_begun_when_it_is_warned():
    limits = ["cluster=slurm_cpu", "cluster.jobs.reply.minutes=2"]
    Composer().compose([*limits, "cluster.warning=60"])
    with pytest.raises(ConfigError, match=r"cluster\.jobs\.reply\.minutes: 2; .* ask for 3 or more"):
        Composer().compose(limits)

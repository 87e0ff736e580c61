"""What files and overrides compose to; Hydra is the judge."""

from pathlib import Path

import msgspec
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from mmprolong.config.compose import Composer
from mmprolong.config.decode import decode
from mmprolong.config.groups import root
from mmprolong.settings.knobs import Config

CHOICES = [f"{path.parent.name}='{path.stem}'" for path in sorted(root("conf").glob("*/*.yaml"))]
FULL_SCALE = ["model=qwen2_5_vl_7b", "training=longpt_5b", "synthesis=template", "suite=heldout_documents"]
LENGTHS = "phases.longpt.mixture.components.long.lengths"


def of_hydra(choices: list[str], values: list[str]) -> Config:
    """The configuration that Hydra composes alone; it takes a new key with ++ only."""
    with initialize_config_dir(str(root("conf")), version_base="1.3"):
        config = compose("config", overrides=[*choices, *(f"++{each}" for each in values)])
    return decode(OmegaConf.to_container(config, resolve=True), Config)


@pytest.fixture(scope="module")
def composer() -> Composer:
    """Has composed the defaults."""
    composer = Composer()
    composer.compose([])
    return composer


@pytest.mark.parametrize("choice", [each for each in CHOICES if "qwen" not in each and "5b" not in each])
def test_every_choice_composes_and_is_read_back(choice: str, composer: Composer):
    config = composer.compose([choice])
    assert decode(msgspec.to_builtins(config), Config) == config


def test_the_full_scale_composes(composer: Composer):
    assert composer.compose(FULL_SCALE).phases["longpt"].start == [""]


@pytest.mark.parametrize(
    ("choices", "values"),
    [
        ([], ["seed=7"]),
        (["rope=base_x1", "tasks='2_8'"], ["suite.subject=${model.base}", "model.seed=${seed}", "seed=2"]),
        (
            ["model=proxy_28"],
            ["phases.longpt.mixture.components={long: {share: 0.5}, more: {source: long, share: 0.5}}"],
        ),
        (
            [],
            [
                "sources.long.lengths=[{name: 8x, pages: [32, 64]}]",
                "sources.long.lengths.0.name=9x",
                "suite.trained=''",
            ],
        ),
        ([], [f"{LENGTHS}.edges=[]", f"{LENGTHS}={{name: mine, tilt: 1}}", "phases.longpt.optimizer.peak_lr=1e-5"]),
        (["cluster=slurm_cpu"], ["cluster.jobs.default.flags={mail-user: 'a, b'}", "cluster.account='123'"]),
    ],
    ids=lambda words: " ".join(words),
)
def test_what_is_set_after_the_files_is_set_as_hydra_does(choices: list[str], values: list[str], composer: Composer):
    assert composer.compose([*values, *choices]) == of_hydra(choices, values)


def test_a_composition_keeps_nothing_of_an_earlier_one():
    composer, runs = Composer(), [["seed=3"], ["view.dpi=72", "seed=3"], ["view.dpi=72"], ["seed=4", "view.dpi=72"], []]
    assert [composer.compose(each) for each in (*runs, *runs)] == [Composer().compose(each) for each in (*runs, *runs)]


def test_the_seed_reaches_the_phases_of_the_sweep_and_not_the_pretraining(composer: Composer):
    phases = composer.compose(["seed=7"]).phases
    assert {name: phase.seed for name, phase in phases.items() if phase.seed} == {"longpt": 7, "sft": 7}


@pytest.mark.parametrize("override", ["tasks=2_8", "tasks='2_8'", 'tasks="2_8"'])
def test_a_choice_that_looks_like_a_number_is_a_name(override: str, composer: Composer):
    long = composer.compose([override]).phases["longpt"].mixture.components["long"]
    assert long.tasks == {"extract_single": 0.1, "extract_multi": 0.1, "reasoning": 0.8}


def test_the_last_of_equal_overrides_wins(composer: Composer):
    config = composer.compose(["view.dpi=72", "rope=base_x1", "view.dpi=96", "rope=base_x8"])
    assert (config.view.dpi, config.phases["longpt"].rope.factor) == (96, 8)


def test_values_are_removed_and_names_added(composer: Composer):
    config = composer.compose(["~phases.sft", "~view.dpi", "+sources.more={tasks: [reasoning]}", "training.threads=2"])
    assert "sft" not in config.phases and "more" in config.sources
    assert (config.view.dpi, config.training.threads) == (144, 2)


def test_equal_numbers_are_one_value(composer: Composer):
    rate = "phases.longpt.optimizer.peak_lr"
    one, other, whole = (composer.compose([f"{rate}={each}"]) for each in ("1e-5", "0.00001", "1"))
    assert one == other
    assert isinstance(whole.phases["longpt"].optimizer.peak_lr, float)


def test_a_stage_asks_for_what_others_do_until_it_says_more(composer: Composer):
    more = ["cluster.jobs={synthesis: {cpus: 5}, synthesis.llm: {gpus: 1}}", "cluster.jobs.reply.memory=9"]
    jobs = composer.compose(["cluster=slurm_cpu", *more, "cluster.jobs.default.cpus=3"]).cluster.jobs
    assert (jobs["reply"].memory, jobs["reply"].cpus, jobs["reply"].minutes) == (9, 3, 120)
    assert (jobs["synthesis.llm"].gpus, jobs["synthesis.llm"].cpus, jobs["synthesis.llm"].minutes) == (1, 5, 120)
    assert (jobs["default"].memory, jobs["default"].cpus) == (4, 3)


def test_the_home_is_written_as_a_tilde(composer: Composer):
    config = composer.compose(["paths.store='~/a'", "corpus.path='~/b'", "suite.data_root='~'", "model.path='~/c'"])
    found = [config.paths.store, config.corpus.path, config.suite.data_root, config.model.path]
    assert found == [str(Path.home() / name) for name in ("a", "b", "", "c")]

"""A composition that is derived from the files equals Hydra's own, or is not derived."""

from dataclasses import dataclass
from itertools import combinations, product

import pytest

from mmprolong.config.compose import Composer
from mmprolong.config.groups import ablations, groups
from mmprolong.config.variants import Composition, derived
from mmprolong.errors import ConfigError
from mmprolong.settings.knobs import Config
from mmprolong.sweep.spec import draft, points

DEFAULTS = {"length_distribution": "pool_native", "rope": "base_x4"}
PLAIN = {"phases": {"longpt": {"mixture": {"length": {"name": "pool_native", "tilt": None}}, "rope": {"factor": 4.0}}}}
PAIRS = [(f"task_mix={mix}", f"rope={rope}") for mix, rope in product(groups()["task_mix"][:2], ("base_x1", "base_x8"))]
OTHERS = {
    "length_distribution": "uniform",
    "rope": "base_x8",
    "task_mix": "2_8",
    "model": "qwen2_5_vl_7b",
    "suite": "heldout_documents",
    "supervision": "reasoning",
}
"""A choice of each group that is not the default. Hydra need not be asked for those of the first three groups."""
COMBINATIONS = [chosen for count in (2, 1, 0) for chosen in combinations(sorted(OTHERS), count)]


def _overrides(chosen: tuple[str, ...]) -> list[str]:
    return [f"{group}={OTHERS[group]}" for group in chosen]


@dataclass(frozen=True)
class ByHydra:
    """A combination of choices, composed with nothing before it."""

    known: Composition
    config: Config


@pytest.fixture(scope="module")
def by_hydra() -> dict[tuple[str, ...], ByHydra]:
    """Every combination of two choices, of one and of none."""
    found = {}
    for chosen in COMBINATIONS:
        composer = Composer()
        config, _ = composer.compose(_overrides(chosen))
        found[chosen] = ByHydra(composer.asked[()][0], config)
    return found


@pytest.fixture(scope="module")
def composer() -> Composer:
    """Has the defaults from Hydra."""
    composer = Composer()
    composer.compose([])
    return composer


@pytest.mark.parametrize("choices", PAIRS, ids=" ".join)
def test_a_derived_composition_is_hydras(composer: Composer, choices: tuple[str, ...]):
    assert composer.compose(choices) == Composer().compose(choices)


def test_a_composition_keeps_nothing_of_an_earlier_one(by_hydra: dict[tuple[str, ...], ByHydra]):
    composer = Composer()
    for chosen, alone in by_hydra.items():
        assert composer.compose(_overrides(chosen))[0] == alone.config, chosen


def test_what_is_derived_from_any_composition_is_hydras(by_hydra: dict[tuple[str, ...], ByHydra]):
    told = 0
    for (before, first), (after, second) in product(by_hydra.items(), repeat=2):
        plain = derived(first.known, {group: OTHERS[group] for group in after})
        assert plain in (None, second.known.plain), (before, after)
        told += plain is not None
    assert told > len(COMBINATIONS)


@pytest.mark.parametrize("name", ablations())
def test_points_of_an_ablation_are_hydras(name: str):
    composer = Composer()
    block = composer.compose([f"+ablation={name}"])[1]
    for point in {point.label: point for point in points(draft(block), [])}.values():
        assert composer.compose(point.overrides) == Composer().compose(point.overrides)


@pytest.mark.parametrize("name", ["length_dist", "rope_base", "short_ratio", "extraction_ratio"])
def test_hydra_is_asked_once_where_arms_differ_in_files_of_the_same_keys(name: str):
    composer = Composer()
    for point in points(draft(composer.compose([f"+ablation={name}"])[1]), []):
        composer.compose(point.overrides)
    assert [len(asked) for asked in composer.asked.values()] == [1]


def test_what_is_derived_has_the_new_values_and_leaves_the_old_alone():
    new = derived(Composition(DEFAULTS, PLAIN, ()), {"length_distribution": "uniform"})
    assert new is not None
    assert new["phases"]["longpt"]["mixture"]["length"] == {"name": "uniform", "tilt": 0.0}
    assert PLAIN["phases"]["longpt"]["mixture"]["length"]["name"] == "pool_native"


@pytest.mark.parametrize(
    ("choices", "plain", "wanted"),
    [
        (DEFAULTS, {"phases": {"longpt": {"mixture": {}}}}, {"length_distribution": "uniform"}),
        ({**DEFAULTS, "rope": "base_x1"}, PLAIN, {"rope": "base_x8"}),
        ({**DEFAULTS, "supervision": "vqa"}, PLAIN, {"supervision": "reasoning"}),
        ({**DEFAULTS, "model": "no_such_file"}, PLAIN, {"rope": "base_x8"}),
        ({"length_distribution": "pool_native"}, PLAIN, {"rope": "base_x8"}),
    ],
    ids=["a value is not there", "a value is another file's", "other keys", "a file is gone", "a choice was added"],
)
def test_what_the_files_do_not_say_is_not_derived(choices: dict, plain: dict, wanted: dict):
    assert derived(Composition(choices, plain, ()), wanted) is None


@pytest.mark.parametrize("mistake", ["+rope=base_x1", "ablation=length_dist", "rope=base_x3"])
def test_a_mistake_is_answered_alike_before_and_after_others_were_composed(composer: Composer, mistake: str):
    said = []
    for each in (composer, Composer()):
        with pytest.raises(ConfigError) as caught:
            each.compose([mistake])
        said.append(str(caught.value))
    assert said[0] == said[1]

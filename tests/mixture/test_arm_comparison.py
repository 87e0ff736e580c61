from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as with_fields

from mmprolong.mixture.arm_comparison import Arm, PhaseData, compare, second_differences
from mmprolong.plugins import identity_of
from mmprolong.records import Pack
from mmprolong.settings.data import Component, Length, Mixture, Source
from mmprolong.settings.knobs import Config, Evaluation, Phase, Suite
from mmprolong.store.fingerprint import leaves

FACTOR = "phases.longpt.mixture.components.long.tasks"


def settings() -> dict[str, Any]:
    """Every value that names a step of a small run, by key."""
    component = Component(source="long", tasks={"reasoning": 0.2, "extract_single": 0.8})
    config = Config(
        sources={"long": Source(writer="template", tasks=["reasoning"], lengths=[Length("50p", [32, 50])])},
        phases={"longpt": Phase(mixture=Mixture(4096, 1024, {"long": component}))},
        suite=Suite(subject="longpt", benchmarks={"heldout": Evaluation(source="long")}),
    )
    return dict(leaves(identity_of(config, whole=True)))


def arm(packs: list[Pack] | None = None, **changed: Any) -> Arm:
    made = [
        Pack(id=n, examples=(f"d{n}-a", f"d{n + 1}-a"), lengths=(400, 500 + n), supervised=(3, 4)) for n in range(8)
    ]
    names = {name for pack in packs or made for name in pack.examples}
    documents = {name: name.partition("-")[0] for name in names}
    phase = PhaseData(packs or made, documents, 1024, 2048)
    return Arm(settings=settings() | changed, phases={"longpt": phase}, made_by={"code": "1", "hardware": "H100"})


def other(value: Any) -> Any:
    """A value of the same kind that is not this one."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case list():
            return [*value, "more"]
    return "something"


DECLARED = {f"{FACTOR}.reasoning": 0.5, f"{FACTOR}.extract_single": 0.5}
SETTINGS = [key for key in settings() if not key.startswith(FACTOR)]


def test_an_arm_that_differs_in_its_factor_alone_passes():
    rows = compare(arm(), arm(**DECLARED), [FACTOR])
    assert second_differences(rows) == []
    assert {row.name for row in rows if row.verdict == "declared"} == set(DECLARED)
    assert sum(row.verdict == "equal" for row in rows) == 9


@pytest.mark.parametrize("key", SETTINGS)
def test_a_confound_in_any_setting_is_caught(key: str):
    planted = arm(**DECLARED, **{key: other(settings()[key])})
    assert key in second_differences(compare(arm(), planted, [FACTOR]))


def test_at_least_fifty_confounds_are_planted():
    assert len(SETTINGS) + len(IN_DATA) >= 50


def with_pack(change: Callable[[Pack], Pack]) -> Arm:
    whole = [*arm().phases["longpt"].packs]
    return arm([change(whole[0]), *whole[1:]], **DECLARED)


IN_DATA: dict[str, tuple[Callable[[], Arm], str]] = {
    "another document": (
        lambda: with_pack(lambda pack: with_fields(pack, examples=("d99-a", pack.examples[1]))),
        "longpt: documents",
    ),
    "a document twice": (
        lambda: with_pack(lambda pack: with_fields(pack, examples=(pack.examples[1], pack.examples[1]))),
        "longpt: documents",
    ),
    "other order in a pack": (
        lambda: with_pack(lambda pack: with_fields(pack, examples=pack.examples[::-1])),
        "longpt: order",
    ),
    "other order of packs": (lambda: arm([*arm().phases["longpt"].packs][::-1], **DECLARED), "longpt: order"),
    "two packs swapped": (lambda: arm(_swapped([*arm().phases["longpt"].packs]), **DECLARED), "longpt: order"),
    "a pack less": (lambda: arm([*arm().phases["longpt"].packs][:-1], **DECLARED), "longpt: packs"),
    "an update less": (lambda: arm([*arm().phases["longpt"].packs][:-2], **DECLARED), "longpt: updates"),
    "an example less": (
        lambda: with_pack(
            lambda pack: with_fields(
                pack, examples=pack.examples[:1], lengths=pack.lengths[:1], supervised=pack.supervised[:1]
            )
        ),
        "longpt: documents",
    ),
    "other packs an update": (lambda: _phase(tokens_per_update=1024), "longpt: updates"),
    "a phase less": (lambda: replace(arm(**DECLARED), phases={}), "longpt: phase"),
    "a phase more": (
        lambda: replace(arm(**DECLARED), phases={**arm().phases, "sft": arm().phases["longpt"]}),
        "sft: phase",
    ),
    "other code": (lambda: replace(arm(**DECLARED), made_by={"code": "2", "hardware": "H100"}), "code"),
    "other hardware": (lambda: replace(arm(**DECLARED), made_by={"code": "1", "hardware": "A100"}), "hardware"),
    "a setting that only one arm has": (lambda: arm(**DECLARED, **{"optimizer.clip": 1}), "optimizer.clip"),
}


def _swapped(packs: list[Pack]) -> list[Pack]:
    return [packs[1], packs[0], *packs[2:]]


def _phase(**changed: Any) -> Arm:
    made = arm(**DECLARED)
    return replace(made, phases={"longpt": replace(made.phases["longpt"], **changed)})


@pytest.mark.parametrize("name", IN_DATA)
def test_a_confound_in_the_data_is_caught(name: str):
    planted, caught = IN_DATA[name]
    assert caught in second_differences(compare(arm(), planted(), [FACTOR]))


@pytest.mark.parametrize("fact", ["lengths", "supervised"])
def test_lengths_are_a_residual_of_the_tasks_and_a_second_difference_of_anything_else(fact: str):
    longer = with_pack(lambda pack: with_fields(pack, **{fact: (getattr(pack, fact)[0] + 1, getattr(pack, fact)[1])}))
    name = "longpt: tokens" if fact == "lengths" else "longpt: supervised tokens"
    (row,) = (row for row in compare(arm(), longer, [FACTOR]) if row.name == name)
    assert row.verdict == "follows" and row.residual.startswith("+1 (")
    rope = "phases.longpt.rope.factor"
    without = replace(longer, settings=settings() | {rope: 4})
    assert name in second_differences(compare(arm(), without, [rope]))


def test_a_factor_may_hold_a_star():
    assert second_differences(compare(arm(), arm(**DECLARED), ["phases.*.tasks"])) == []
    assert second_differences(compare(arm(), arm(**DECLARED), ["phases.longpt.rope"])) == sorted(DECLARED)

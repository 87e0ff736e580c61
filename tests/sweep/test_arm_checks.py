from dataclasses import replace

import msgspec

from mmprolong.pipeline.plan import Point
from mmprolong.settings.data import Mixture
from mmprolong.settings.knobs import Config, Phase
from mmprolong.sweep.arm_checks import find_confounds

STEPS = {"mixture.longpt": "m", "training.longpt": "t"}


def point(label: str, tokens: int, lr: float = 1e-5) -> Point:
    phase = Phase(mixture=Mixture(tokens=tokens))
    config = Config(phases={"longpt": replace(phase, optimizer=replace(phase.optimizer, peak_lr=lr))})
    return Point(label=label, seed=0, config=msgspec.to_builtins(config), steps=STEPS)


def test_an_arm_that_differs_in_more_than_the_factor_is_a_problem_of_the_plan():
    points = [point("a", 100), point("b", 200), point("c", 200, lr=2e-5)]
    ((found, problem),) = find_confounds(points, "a", ["phases.*.mixture.tokens"])
    assert found.label == "c" and problem.key == "phases.longpt.optimizer.peak_lr"
    assert list(find_confounds(points, "a", [])) == []

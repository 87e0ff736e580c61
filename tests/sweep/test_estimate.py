"""A sweep in numbers, and what an estimate rests on."""

from dataclasses import replace

import pytest

from mmprolong.settings.execution import Cluster, Job
from mmprolong.sweep.estimate import basis, expect, wall_time
from mmprolong.sweep.state import StepState
from mmprolong.sweep.view.console import summary
from tests.sweep.scenes import SLURM, all_finished, sweep, under_way

PLAN = sweep(("b", "c"), 3, SLURM)


def test_many_workers_do_not_shorten_the_longest_chain():
    seconds = {name: 10.0 for point in PLAN.points[:2] for name in point.steps.values()}
    assert wall_time(PLAN, seconds, 1) == 10 * (3 + 2 * 4)
    assert wall_time(PLAN, seconds, 1000) == 10 * 6  # corpus, source, mixture, training, reply, score


def test_a_running_step_is_expected_to_go_on_as_it_does():
    where = under_way(PLAN, "training.longpt:running")
    assert expect(PLAN, where)["training.longpt-b-0"].seconds == pytest.approx((1280 - 412) / 0.031)


def test_what_failed_is_not_waited_for():
    found = summary(PLAN, under_way(PLAN, "training.longpt:failed", "reply.held:running"))
    assert found.startswith("12 of 27 steps, about 7.8 h left at 3 at once; used 24.0 GPU-hours")
    assert "; left 24.0 GPU-hours" in found
    assert "left at" not in summary(PLAN, all_finished(PLAN))


def test_nothing_is_foretold_while_nothing_runs():
    assert "left at" not in summary(PLAN, under_way(PLAN, "training.longpt:queued"))


def test_steps_in_parts_are_done_side_by_side():
    plan = sweep(("b",), 1, Cluster(jobs={"reply": Job(parts=4)}))
    assert wall_time(plan, {"reply.held-b-0": 100.0, "score.held-b-0": 1.0}, 100) == 26


def test_finished_steps_of_the_plan_say_how_long_the_others_take():
    where = under_way(PLAN, "finished", "score.held:open") | {"training.longpt-c-0": StepState(state="open")}
    plan = sweep(("b", "c"), 3, replace(SLURM, step_seconds={"score": 7.0}))
    assert expect(plan, where)["training.longpt-c-0"].seconds == pytest.approx(3600)
    assert basis(plan, expect(plan, where)) == "finished steps: training, score"
    opened = dict.fromkeys(plan.steps, StepState(state="open"))
    assert expect(plan, opened)["score.held-c-0"].seconds == 7
    assert expect(plan, opened)["reply.held-c-0"].seconds == 5
    assert basis(plan, expect(plan, opened)) == (
        "nothing (5 s each): corpus, synthesis, mixture, training, samples, reply; cluster=slurm: score"
    )


def test_training_is_predicted_from_its_hardware_where_that_is_described():
    core = sweep(("b",), 1, Cluster())
    gpus = sweep(("b",), 1, Cluster(jobs={"training": Job(gpus=8)}))
    opened = dict.fromkeys(core.steps, StepState(state="open"))
    assert "what one CPU core can do: training" in basis(core, expect(core, opened))
    assert expect(core, opened)["training.longpt-b-0"].seconds > 5
    assert "training" in basis(gpus, expect(gpus, opened)).partition(";")[0]
    assert expect(gpus, opened)["training.longpt-b-0"].seconds == 5

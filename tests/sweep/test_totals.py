"""A sweep in numbers."""

import pytest

from mmprolong.sweep.estimate import expected, wall_time
from mmprolong.sweep.totals import totals
from tests.sweep.scenes import SLURM, all_finished, sweep, under_way

PLAN = sweep(("b", "c"), 3, SLURM)


def test_many_workers_do_not_shorten_the_longest_chain():
    seconds = {name: 10.0 for point in PLAN.points[:2] for name in point.steps.values()}
    assert wall_time(PLAN, seconds, width=1) == 10 * (3 + 2 * 4)
    assert wall_time(PLAN, seconds, width=1000) == 10 * 6  # corpus, source, mixture, training, reply, score


def test_a_running_step_is_expected_to_go_on_as_it_does():
    where = under_way(PLAN, "longpt.training:running")
    assert expected(PLAN, where, SLURM, {})["longpt.training-b-0"] == pytest.approx((1280 - 412) / 0.031)


def test_what_failed_is_not_waited_for():
    found = totals(PLAN, under_way(PLAN, "longpt.training:failed", "reply:running"), {})
    assert (found.state, found.width) == ("running", 3)
    assert found.left.gpu == 3 * 8
    assert found.seconds == pytest.approx(868 / 0.031 + 5)  # no score says yet how long it takes
    assert found.used.gpu == 3 * 8
    assert totals(PLAN, under_way(PLAN, "longpt.training:failed"), {}).state == "stopped"
    assert totals(PLAN, all_finished(PLAN), {}).seconds is None


def test_nothing_is_foretold_while_nothing_runs():
    assert totals(PLAN, under_way(PLAN, "longpt.training:queued"), {}).seconds is None

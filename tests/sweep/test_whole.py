"""A sweep in numbers, and the command that mends it."""

import shlex

import pytest

from mmprolong.artifacts import Store
from mmprolong.cli.parser import parse
from mmprolong.compose import Composer
from mmprolong.config import Cluster
from mmprolong.failures import ADVICE
from mmprolong.sweep.commands import again
from mmprolong.sweep.estimate import expected, wall_time
from mmprolong.sweep.whole import whole
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
    found = whole(PLAN, under_way(PLAN, "longpt.training:failed", "reply:running"), {})
    assert (found.state, found.width) == ("running", 3)
    assert found.left.gpu == 3 * 8
    assert found.seconds == pytest.approx(868 / 0.031 + 5)  # no score says yet how long it takes
    assert found.used.gpu == 3 * 8
    assert whole(PLAN, under_way(PLAN, "longpt.training:failed"), {}).state == "stopped"
    assert whole(PLAN, all_finished(PLAN), {}).seconds is None


def test_nothing_is_foretold_while_nothing_runs():
    assert whole(PLAN, under_way(PLAN, "longpt.training:queued"), {}).seconds is None


@pytest.mark.parametrize("kind", ADVICE)
@pytest.mark.parametrize("cluster", ["slurm_h100", "local"])
def test_what_mends_a_failure_is_a_command_of_ours(tmp_path, kind: str, cluster: str):
    config = Composer().compose([f"cluster={cluster}"])[0]
    plan = sweep(
        ("b",), 1, config.cluster, ablation="length_dist", overrides=("+ablation=length_dist", "corpus.path=my pool")
    )
    program, *words = shlex.split(again(Store(tmp_path), plan, "training", kind))
    arguments = parse(words if program == "mmprolong" else ["sweep", *words[2:]])
    assert Composer().compose([f"cluster={cluster}", *arguments.overrides])


def test_a_job_that_ran_out_of_something_asks_for_twice_as_much(tmp_path):
    plan = sweep(("b",), 1, Composer().compose(["cluster=slurm_h100"])[0].cluster)
    assert "cluster.jobs.training.minutes=2880" in again(Store(tmp_path), plan, "training", "time")
    assert "cluster.jobs.score.memory=256" in again(Store(tmp_path), plan, "score", "memory")
    assert "cluster.jobs" not in again(Store(tmp_path), plan, "score", "node")
    plan = sweep(("b",), 1, Cluster(launcher="slurm"))
    assert again(Store(tmp_path), plan, "score", "memory") == f"mmprolong retry a --store {tmp_path}"

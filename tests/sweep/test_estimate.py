"""A sweep in numbers, and what an estimate rests on."""

import os
from pathlib import Path
from typing import Any

import pytest

from mmprolong.records import RunRecord
from mmprolong.settings.fields import identity
from mmprolong.settings.knobs import Cluster, Job
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import DONE, Store
from mmprolong.sweep.estimate import based_on, expected_seconds, known_seconds, totals, wall_time
from mmprolong.sweep.state import step_states
from tests.sweep.scenes import SLURM, all_finished, sweep, under_way

PLAN = sweep(("b", "c"), 3, SLURM)


def test_many_workers_do_not_shorten_the_longest_chain():
    seconds = {name: 10.0 for point in PLAN.points[:2] for name in point.steps.values()}
    assert wall_time(PLAN, seconds, 1, SLURM) == 10 * (3 + 2 * 4)
    assert wall_time(PLAN, seconds, 1000, SLURM) == 10 * 6  # corpus, source, mixture, training, reply, score


def test_a_running_step_is_expected_to_go_on_as_it_does():
    where = under_way(PLAN, "training.longpt:running")
    assert expected_seconds(PLAN, where, SLURM, {})["training.longpt-b-0"] == pytest.approx((1280 - 412) / 0.031)


def test_what_failed_is_not_waited_for():
    known = {"training": 3600 / 5_368_709_120}
    found = totals(PLAN, under_way(PLAN, "training.longpt:failed", "reply.held:running"), known)
    assert (found.state, found.width) == ("running", 3)
    assert found.left.gpu == 3 * 8
    assert found.seconds == pytest.approx(868 / 0.031 + 5)  # no score says yet how long it takes
    assert found.used.gpu == 3 * 8
    assert totals(PLAN, under_way(PLAN, "training.longpt:failed"), {}).state == "stopped"
    assert totals(PLAN, all_finished(PLAN), {}).seconds is None


def test_nothing_is_foretold_while_nothing_runs():
    assert totals(PLAN, under_way(PLAN, "training.longpt:queued"), {}).seconds is None


def test_steps_in_parts_are_done_side_by_side():
    cluster = Cluster(jobs={"reply": Job(parts=4)})
    seconds = {"reply.held-b-0": 100.0, "score.held-b-0": 1.0}
    assert wall_time(PLAN, seconds, 100, cluster) == 26


# Before a sweep has finished anything

TWO = sweep(("b", "c"), 1)
TOKENS = 5_368_709_120


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def took(store: Store, stage: str, name: str, seconds: float, age: int = 0, **known: Any) -> None:
    """Let a step of another sweep be finished, `age` seconds after the others."""
    folder = store.folder(stage, name)
    folder.mkdir(parents=True)
    settings = identity(STAGES[stage].settings())
    settled = {"settings": settings, "needs": {}, "metrics": {}, "outputs": {}, **known}
    store.finish(RunRecord(id=name, stage=stage, version=1, seconds=seconds, **settled))
    os.utime(folder / DONE, (1_000_000 + age,) * 2)


def test_before_anything_is_finished_the_store_says_how_long_it_takes(store: Store):
    took(store, "training", "other", 100.0, metrics={"tokens": TOKENS // 4})
    took(store, "reply", "other", 70.0)
    where = step_states(store, TWO)
    known = known_seconds(store, TWO, where)
    found = expected_seconds(TWO, where, Cluster(), known)
    assert found["training.longpt-b-0"] == pytest.approx(400)
    assert (found["reply.held-b-0"], found["score.held-b-0"]) == (70, 5)
    told = based_on(TWO, where, Cluster(step_seconds={"score": 5.0}), known)
    assert told == (
        "nothing (5 s each): corpus, synthesis, mixture, samples; this store: training, reply; cluster=local: score"
    )


def test_an_estimate_by_the_configuration_says_which_model_its_times_are_of():
    h100 = Cluster(name="h100", times_of="a 7B model", step_seconds={"score": 60.0})
    where = under_way(TWO, "score.held:open")
    assert based_on(TWO, where, h100, {}).endswith("cluster=h100 (times of a 7B model): score")


def test_training_is_predicted_from_its_hardware_where_that_is_described():
    where = under_way(TWO, "training.longpt:open")
    core, gpus = Cluster(), Cluster(jobs={"training": Job(gpus=8)})
    assert "what one CPU core can do: training" in based_on(TWO, where, core, {})
    assert expected_seconds(TWO, where, core, {})["training.longpt-b-0"] > 5
    assert "nothing (5 s each): training" in based_on(TWO, where, gpus, {})
    assert expected_seconds(TWO, where, gpus, {})["training.longpt-b-0"] == 5


def test_another_model_or_a_damaged_record_says_nothing(store: Store):
    took(store, "reply", "large", 9000.0, settings={"model": {"backbone": "qwen2_5_vl"}})
    took(store, "reply", "small", 60.0)
    took(store, "reply", "torn", 1.0)
    (store.folder("reply", "torn") / DONE).write_text("{")
    store.folder("reply", "begun").mkdir()
    assert known_seconds(store, TWO, step_states(store, TWO)) == {"reply": 60.0}


def test_of_many_the_newest_count(store: Store):
    for age in range(300):
        took(store, "score", f"score-{age}", float(age), age=age)
    assert known_seconds(store, TWO, step_states(store, TWO)) == {"score": sum(range(280, 300)) / 20}

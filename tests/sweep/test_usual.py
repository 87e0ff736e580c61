"""What an estimate rests on while a sweep has finished nothing: what other sweeps have in the store."""

import os
from pathlib import Path
from typing import Any

import pytest

from mmprolong.config.compose import Composer
from mmprolong.records import RunRecord
from mmprolong.settings.knobs import Cluster
from mmprolong.store.store import DONE, Store
from mmprolong.sweep.estimate import based_on, expected
from mmprolong.sweep.standing import standings
from mmprolong.sweep.usual import usual_seconds
from tests.sweep.scenes import sweep, under_way

PLAN = sweep(("b", "c"), 1)
TOKENS = 5_368_709_120


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def took(store: Store, stage: str, name: str, seconds: float, age: int = 0, **known: Any) -> None:
    """Let a step of another sweep be finished, `age` seconds after the others."""
    folder = store.folder(stage, name)
    folder.mkdir(parents=True)
    settled = {"settings": {}, "needs": {}, "metrics": {}, "outputs": {}, **known}
    store.finish(RunRecord(id=name, stage=stage, version=1, seconds=seconds, **settled))
    os.utime(folder / DONE, (1_000_000 + age,) * 2)


def test_before_anything_is_finished_the_store_says_how_long_it_takes(store: Store):
    took(store, "training", "other", 100.0, metrics={"tokens": TOKENS // 4})
    took(store, "reply", "other", 70.0)
    where = standings(store, PLAN)
    usual = usual_seconds(store, PLAN, where)
    found = expected(PLAN, where, Cluster(), usual)
    assert found["longpt.training-b-0"] == pytest.approx(400)
    assert (found["reply-b-0"], found["score-b-0"]) == (70, 5)
    told = based_on(PLAN, where, Cluster(step_seconds={"score": 5.0}), usual)
    assert told == ("nothing (5 s each): corpus, synthesis, mixture; this store: training, reply; cluster=local: score")


def test_an_estimate_by_the_configuration_says_which_model_its_times_are_of():
    h100 = Composer().compose(["cluster=slurm_h100"]).cluster
    where = under_way(PLAN, "score:open")
    assert based_on(PLAN, where, h100, {}).endswith("cluster=slurm_h100 (times of a 7B model): score")


def test_what_the_sweep_has_finished_itself_counts_alone(store: Store):
    took(store, "training", "other", 1.0, metrics={"tokens": TOKENS})
    where = under_way(PLAN, "finished", "longpt.training:open")
    usual = usual_seconds(store, PLAN, where)
    assert usual == {}
    assert expected(PLAN, where, Cluster(), usual)["longpt.training-c-0"] == 3600
    assert based_on(PLAN, where, Cluster(), usual) == "this sweep: training, reply, score"


def test_another_model_or_a_damaged_record_says_nothing(store: Store):
    took(store, "reply", "large", 9000.0, settings={"model": {"backbone": "qwen2_5_vl"}})
    took(store, "reply", "small", 60.0)
    took(store, "reply", "torn", 1.0)
    (store.folder("reply", "torn") / DONE).write_text("{")
    store.folder("reply", "begun").mkdir()
    assert usual_seconds(store, PLAN, standings(store, PLAN)) == {"reply": 60.0}


def test_of_many_the_newest_count(store: Store):
    for age in range(300):
        took(store, "score", f"score-{age}", float(age), age=age)
    assert usual_seconds(store, PLAN, standings(store, PLAN)) == {"score": sum(range(280, 300)) / 20}

from dataclasses import replace
from pathlib import Path

from mmprolong.pipeline.plan import Point, save_plan
from mmprolong.store.store import Store
from mmprolong.sweep.slurm.job_list import cancel, read_jobs, slurm_folder
from mmprolong.sweep.slurm.queue import JobState
from tests.sweep.chains import ARMS, plan
from tests.sweep.queues import CHAIN, SaidQueue, submit


def test_cancelling_takes_along_what_hangs_on_it(tmp_path: Path):
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    assert cancel(store, CHAIN, "reply", queue)[0] == ["reply0", "score0"]
    assert queue.cancelled == ["2", "3"]


def test_cancelling_an_arm_leaves_alone_what_others_need(tmp_path: Path):
    def point(label: str, *steps: str) -> Point:
        return Point(label=label, seed=0, config={}, steps={step: step for step in steps})

    made = plan(corpus="", training0="corpus", training1="corpus")
    made = replace(made, points=[point("a", "corpus", "training0"), point("b", "corpus", "training1")])
    store = Store(tmp_path)
    submit(store, made, "1", "2", "3")
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    assert cancel(store, made, "a/", queue)[0] == ["training0"]


def test_jobs_that_another_ablation_has_too_are_left_to_it_unless_they_are_named(tmp_path: Path):
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    less = {name: step for name, step in CHAIN.steps.items() if name != "score0"}
    point = Point(label="x", seed=0, config={}, steps={})
    save_plan(store, replace(CHAIN, ablation="other", points=(point,), steps=less, baseline="x"))
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    assert cancel(store, CHAIN, queue=queue) == (["score0"], {"other": 2})
    del queue.known["job3"]
    assert cancel(store, CHAIN, "reply", queue)[0] == ["reply0"]


def test_jobs_of_another_plan_of_the_ablation_are_cancelled_with_all_and_not_with_an_arm(tmp_path: Path):
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    newer = plan(training1="")
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    assert cancel(store, newer, "training1", queue)[0] == []
    assert cancel(store, newer, queue=queue)[0] == ["training0", "reply0", "score0"]
    assert queue.cancelled == ["1", "2", "3"]


def test_all_that_hangs_on_a_step_is_found():
    assert ARMS.descendants({"mixture1"}) == {"training1", "reply1"}


def test_those_that_share_the_parts_of_a_step_are_cancelled_with_it(tmp_path: Path):
    store = Store(tmp_path)
    submit(store, plan(reply0=""), "8", parts="7", width=2)
    queue = SaidQueue(job8=JobState("PENDING", "Dependency"))
    assert cancel(store, plan(reply0=""), queue=queue)[0] == ["reply0"]
    assert queue.cancelled == ["7", "8"]


def test_the_order_of_lines_says_which_job_is_newest_and_a_torn_line_does_not_count(tmp_path: Path):
    store = Store(tmp_path)
    submit(store, CHAIN, "10", "11", "12")
    path = slurm_folder(store) / "jobs.jsonl"
    path.write_bytes(path.read_bytes() + b'{"step":"training0","job":"7"')
    assert read_jobs(store)["training0"].job == "10"
    submit(store, CHAIN, "8", "9")
    assert [each.job for each in read_jobs(store).values()] == ["8", "9", "12"]

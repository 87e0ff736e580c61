from dataclasses import replace
from pathlib import Path

from mmprolong.pipeline.plan import Point
from mmprolong.store.store import Store
from mmprolong.sweep.cancel import cancel
from mmprolong.sweep.freeze import launches
from mmprolong.sweep.jobstate import JobState
from mmprolong.sweep.submissions import append, latest, marked
from tests.sweep.queues import CHAIN, SaidQueue, submit
from tests.sweep.test_arrays import plan


def test_cancelling_takes_along_what_hangs_on_it(tmp_path: Path):
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    assert cancel(store, CHAIN, "reply", queue).ended == ["reply0", "score0"]
    assert queue.cancelled == ["2", "3"]


def test_cancelling_an_arm_leaves_alone_what_others_need(tmp_path: Path):
    def point(label: str, *steps: str) -> Point:
        return Point(label=label, seed=0, config={}, steps={step: step for step in steps})

    made = plan(corpus="", training0="corpus", training1="corpus")
    made = replace(made, points=[point("a", "corpus", "training0"), point("b", "corpus", "training1")])
    store = Store(tmp_path)
    submit(store, made, "1", "2", "3")
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    assert cancel(store, made, "a/", queue).ended == ["training0"]


def test_jobs_that_another_ablation_needs_are_left_to_it(tmp_path: Path):
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    other = replace(CHAIN, ablation="other")
    append(launches(store, "other"), marked((latest(store)[step] for step in ("training0", "reply0")), ""))
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    done = cancel(store, CHAIN, queue=queue)
    assert done.ended == ["score0"]
    assert done.shared == {"other": 2}
    assert latest(store)["training0"].ablation == CHAIN.ablation
    del queue.known["job3"]
    done = cancel(store, other, queue=queue)
    assert done.ended == ["training0", "reply0"]
    assert not done.shared


def test_jobs_of_another_plan_of_the_ablation_are_cancelled_with_all_and_not_with_an_arm(tmp_path: Path):
    store = Store(tmp_path)
    submit(store, CHAIN, "1", "2", "3")
    newer = plan(training1="")
    queue = SaidQueue(**{f"job{job}": JobState("PENDING") for job in (1, 2, 3)})
    assert cancel(store, newer, "training1", queue).ended == []
    assert cancel(store, newer, queue=queue).ended == ["training0", "reply0", "score0"]
    assert queue.cancelled == ["1", "2", "3"]

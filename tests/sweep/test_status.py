"""What `mmprolong status` prints of a sweep, and what the launcher of this machine knows of one."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from mmprolong.store.store import FAILED, PROGRESS, Store
from mmprolong.sweep.launch import Progress
from mmprolong.sweep.standing import Standing
from mmprolong.sweep.status import status_view
from mmprolong.sweep.watch import Watch
from tests.sweep.scenes import FAILED as FAILED_STEP
from tests.sweep.scenes import PROGRESS as AT
from tests.sweep.scenes import SLURM, sweep, under_way
from tests.sweep.test_standing import CHAIN, finish, states

PLAN = sweep(("b", "c"), 1, SLURM)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def printed(store: Store, where: dict[str, Standing]) -> str:
    console = Console(width=200, record=True, file=StringIO())
    console.print(status_view(store, PLAN, where))
    return console.export_text()


def test_a_running_step_says_progress_rate_time_left_loss_and_speed(store: Store):
    text = printed(store, under_way(PLAN, "finished", "longpt.training:running"))
    assert "412/1280 updates, 0.031/s, 7.8 h left, loss 1.234, 18,250 tokens/s, job 4711_3" in text
    assert "8 of 11 steps, about 9.8 h left at 1 at once; used 8.0 GPU-hours" in text


def test_a_loss_that_is_no_number_is_said(store: Store):
    where = under_way(PLAN, "finished", "longpt.training:running")
    lost = {name: replace(at, metrics={"loss": None}) if at.state == "running" else at for name, at in where.items()}
    assert "7.8 h left, loss nan, job 4711_3" in printed(store, lost)


def test_what_failed_and_what_starts_shows_its_last_line(store: Store):
    log = store.root / "job.out"
    log.write_text("loading\nTraceback: it ran out of pages\n\n")
    where = under_way(PLAN, "finished", "longpt.training:failed")
    assert "it ran out of pages" not in printed(store, where)
    shown = printed(store, where | {"longpt.training-c-0": replace(FAILED_STEP, log=log)})
    assert "longpt.training failed (time): Slurm: timeout on node17, job 4711_4" in shown
    assert "Traceback: it ran out of pages" in shown
    assert "mmprolong retry a cluster.jobs.training.minutes=2880" in shown
    starts = Standing(state="running", job="7", log=log)
    assert "starting, job 7" in (shown := printed(store, where | {"longpt.training-c-0": starts}))
    assert "it ran out of pages" in shown


def test_the_launcher_knows_what_runs_before_it_says_so_itself(store: Store):
    watch, progress = Watch(store, CHAIN), Progress(running={"training0"})
    assert states(watch.look(progress)) == ["running", "open", "open"]
    folder = store.folder("training", "training0")
    folder.mkdir(parents=True)
    (folder / PROGRESS).write_text(json.dumps(AT))
    assert watch.look(progress)["training0"].progress == AT


def test_the_launcher_says_how_a_step_ended(store: Store):
    finish(store, "training", "training0")
    progress = Progress(
        finished={"training0"}, failed={"reply0": "its process ended with signal 9"}, blocked={"score0"}
    )
    found = Watch(store, CHAIN).look(progress)
    assert states(found) == ["finished", "failed", "blocked"]
    assert found["training0"].record is not None
    assert found["reply0"].failure is not None
    assert (found["reply0"].failure.kind, found["reply0"].failure.message) == (
        "killed",
        "its process ended with signal 9",
    )
    folder = store.folder("reply", "reply0")
    folder.mkdir(parents=True)
    (folder / FAILED).write_text('{"kind": "memory", "error": "MemoryError"}')
    failure = Watch(store, CHAIN).look(progress)["reply0"].failure
    assert failure is not None
    assert failure.kind == "memory"

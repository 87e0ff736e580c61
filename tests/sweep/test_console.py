"""What `mmprolong status` prints of a sweep."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from mmprolong.store.store import Store
from mmprolong.sweep.state import StepState
from mmprolong.sweep.view.console import ended_line, status_view
from tests.sweep.scenes import SLURM, sweep, under_way

PLAN = sweep(("b", "c"), 1, SLURM)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def printed(store: Store, where: dict[str, StepState]) -> str:
    console = Console(width=200, record=True, file=StringIO())
    console.print(status_view(store, PLAN, where))
    return console.export_text()


def test_a_running_step_says_progress_rate_time_left_loss_and_speed(store: Store):
    text = printed(store, under_way(PLAN, "finished", "training.longpt:running"))
    assert "412/1280 updates, 0.031/s, 7.8 h left, loss 1.234, 18,250 tokens/s, job 4711_3" in text
    assert "8 of 11 steps, about 9.8 h left at 1 at once; used 8.0 GPU-hours" in text


def test_a_loss_that_is_no_number_is_said(store: Store):
    where = under_way(PLAN, "finished", "training.longpt:running")
    lost = {name: replace(at, metrics={"loss": None}) if at.state == "running" else at for name, at in where.items()}
    assert "7.8 h left, loss nan, job 4711_3" in printed(store, lost)


def test_what_failed_says_why_and_what_helps(store: Store):
    shown = printed(store, under_way(PLAN, "finished", "training.longpt:failed"))
    assert "training.longpt failed (time): Slurm: timeout on node17, job 4711_4" in shown
    assert "cluster.jobs.training.minutes=MINUTES" in shown
    assert "mmprolong retry a" in shown


def test_a_step_that_has_ended_is_one_line():
    where = under_way(PLAN, "finished", "training.longpt:failed")
    finished, failed = (ended_line(PLAN, f"training.longpt-{label}-0", where) for label in "bc")
    assert finished == "8/11 training/training.longpt-b-0 (a/b/s0/training.longpt): finished in 60 min"
    assert failed.endswith("(a/c/s0/training.longpt): failed: Slurm: timeout on node17")

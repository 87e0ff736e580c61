"""A retry asks for what the launch asked for, and runs only what the same command would run today."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import load_plan, save_plan
from mmprolong.store.store import Store
from mmprolong.sweep.code_copy import copy_code
from mmprolong.sweep.planning import make_plan, plan_retry
from tests.small import OVERRIDES, small_pool

MINUTES = "cluster.jobs.training.minutes=600"


@pytest.fixture
def overrides(tmp_path: Path) -> list[str]:
    """Of a launch on a cluster, whose plan is saved."""
    pool = small_pool(tmp_path / "pool")
    overrides = [*OVERRIDES, f"corpus.path={pool}", f"paths.store={tmp_path}", "cluster=slurm_cpu", MINUTES]
    save_plan(Store(tmp_path), make_plan(overrides)[0])
    return overrides


def test_a_retry_asks_for_what_the_launch_asked_for_and_more(overrides: list[str], tmp_path: Path):
    store = Store(tmp_path)
    plan = plan_retry(store, load_plan(store, "length_dist"), ["cluster.jobs.training.memory=9"])
    jobs = plan.cluster.jobs
    assert (jobs["training"].minutes, jobs["training"].memory, jobs["default"].memory) == (600, 9, 4)
    assert plan.overrides == (*overrides, "cluster.jobs.training.memory=9")


def test_a_retry_is_for_slurm(overrides: list[str], tmp_path: Path):
    store = Store(tmp_path)
    with pytest.raises(ConfigError, match="cluster=local has none; run it here by python"):
        plan_retry(store, load_plan(store, "length_dist"), ["cluster=local"])


def test_a_retry_runs_the_same_steps(overrides: list[str], tmp_path: Path):
    store = Store(tmp_path)
    with pytest.raises(ConfigError, match=r"\d+ steps differ .*; launch it again, finished steps stay: python"):
        plan_retry(store, load_plan(store, "length_dist"), ["view.dpi=100"])


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("mmprolong/settings/stages.py", 'evaluation.score", ScoreSettings, 1', 'evaluation.score", ScoreSettings, 2'),
        ("conf/length_distribution/uniform.yaml", "tilt: 0.0", "tilt: 0.5"),
    ],
)
def test_a_retry_of_what_is_no_longer_planned_says_to_launch_again(
    overrides: list[str], tmp_path: Path, file: str, old: str, new: str
):
    code = copy_code(Store(tmp_path))
    text = (code / file).read_text()
    assert old in text
    (code / file).write_text(text.replace(old, new))
    words = [sys.executable, "-m", "mmprolong.cli", "retry", "length_dist", "--store", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "launch it again, finished steps stay: python -m mmprolong.sweep +ablation=length_dist" in done.stderr

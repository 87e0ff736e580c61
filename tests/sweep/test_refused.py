"""A launch that no Slurm takes changes nothing: `status` and `cancel` still speak of what was launched before."""

from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.pipeline.plan import load_plan, planned, save_plan
from mmprolong.store.store import Store
from mmprolong.sweep.planning import make_plan
from tests.small import OVERRIDES, small_pool


@pytest.fixture
def overrides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of a launch on a cluster, where there is none."""
    monkeypatch.setenv("PATH", "")
    return [*OVERRIDES, f"corpus.path={small_pool(tmp_path / 'pool')}", f"paths.store={tmp_path}", "cluster=slurm_cpu"]


def test_a_refused_launch_leaves_the_plan_that_stands(overrides: list[str], tmp_path: Path):
    store, (before, _) = Store(tmp_path), make_plan(overrides)
    save_plan(store, before)
    assert main(["sweep", *overrides, "task_mix=2_8"]) == 1
    assert load_plan(store, before.ablation) == before


def test_a_refused_first_launch_leaves_no_plan(overrides: list[str], tmp_path: Path):
    assert main(["sweep", *overrides]) == 1
    assert not planned(Store(tmp_path))

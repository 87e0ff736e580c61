"""A sweep beside another one on the same store, and beside an editor."""

import os
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mmprolong.pipeline.plan import load_plan, save_plan
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store
from tests.flow.results import copied, hashes
from tests.small import ONE_WORKER, command

pytestmark = pytest.mark.xdist_group("flow")


def has_workers(launcher: int) -> bool:
    """Whether a sweep has made its copy of the code, on which its workers run."""
    with suppress(psutil.NoSuchProcess):
        return any("mmprolong.sweep.local" in each.cmdline() for each in psutil.Process(launcher).children())
    return False


def test_two_sweeps_at_once_on_one_store_see_no_edits_of_the_tree(finished, pool: Path, tmp_path: Path):
    tree, store = tmp_path / "tree", tmp_path / "store"
    for name in ("mmprolong", "conf", "sweeps", "analysis"):
        shutil.copytree(Path(__file__).parents[2] / name, tree / name)
    variables = os.environ | {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
    words, null = command(store, pool, "tracking=off", "sweep.seeds=[0]", *ONE_WORKER), subprocess.DEVNULL
    both = [subprocess.Popen(words, stdout=null, stderr=subprocess.PIPE, env=variables, text=True) for _ in range(2)]
    while not all(process.poll() is not None or has_workers(process.pid) for process in both):
        time.sleep(0.01)
    for stage in STAGES.values():
        (tree / f"{stage.module.replace('.', '/')}.py").write_text("raise RuntimeError('half an edit')\n")
    assert [(process.communicate(timeout=300)[1], process.returncode) for process in both] == [("", 0)] * 2
    assert hashes(store) and hashes(store).items() <= hashes(finished[0]).items()


def test_a_sweep_ends_with_its_own_table_whatever_is_launched_beside_it(finished, pool: Path, tmp_path: Path):
    store = copied(finished[0], tmp_path / "store")
    plan = load_plan(Store(store), "length_dist")
    shutil.rmtree(store / plan.steps[plan.of("uniform")[1].steps["score.heldout"]].path)
    words = command(store, pool, "tracking=off", *ONE_WORKER)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(store.glob("logs/*")):
        time.sleep(0.01)
    save_plan(Store(store), replace(plan, points=tuple(one for one in plan.points if one.label != "uniform")))
    assert (process.communicate(timeout=300)[1], process.returncode) == ("", 0)
    assert "uniform" in (store / "reports/length_dist/table.csv").read_text()

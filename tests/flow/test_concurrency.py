"""A sweep beside another one on the same store, and beside an editor."""

import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong.pipeline.plan import load_plan, save_plan
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store
from tests.flow.results import copied, hashes
from tests.small import command

pytestmark = pytest.mark.xdist_group("flow")


def test_two_sweeps_at_once_on_one_store(finished, pool: Path, tmp_path: Path):
    store = tmp_path / "store"
    words = command(store, pool, "tracking=off", "sweep.seeds=[0]")
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert hashes(store) and hashes(store).items() <= hashes(finished[0]).items()


def test_a_sweep_ends_with_its_own_table_whatever_is_launched_beside_it(finished, pool: Path, tmp_path: Path):
    store = copied(finished[0], tmp_path / "store")
    plan = load_plan(Store(store), "length_dist")
    shutil.rmtree(store / plan.steps[plan.of("uniform")[1].steps["score.heldout"]].path)
    words = command(store, pool, "tracking=off")
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(store.glob("logs/*")):
        time.sleep(0.01)
    save_plan(Store(store), replace(plan, points=tuple(one for one in plan.points if one.label != "uniform")))
    assert (process.communicate(timeout=300)[1], process.returncode) == ("", 0)
    assert "uniform" in (store / "reports/length_dist/table.csv").read_text()


def test_a_sweep_that_runs_does_not_see_edits_of_the_tree(finished, pool: Path, tmp_path: Path):
    tree, store = tmp_path / "tree", tmp_path / "store"
    for name in ("mmprolong", "conf", "sweeps", "analysis"):
        shutil.copytree(Path(__file__).parents[2] / name, tree / name)
    imports = {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
    words, pipe = command(store, pool, "tracking=off", "sweep.seeds=[0]"), subprocess.PIPE
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=pipe, env=os.environ | imports, text=True)
    while process.poll() is None and not list(store.glob("logs/*")):
        time.sleep(0.01)
    for stage in STAGES.values():
        (tree / f"{stage.module.replace('.', '/')}.py").write_text("raise RuntimeError('half an edit')\n")
    assert (process.communicate(timeout=300)[1], process.returncode) == ("", 0)
    assert hashes(store) and hashes(store).items() <= hashes(finished[0]).items()

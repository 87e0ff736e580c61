"""A sweep beside another one on the same store, and beside an editor."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from mmprolong.settings import STAGES
from tests.flow.results import hashes
from tests.small import command

pytestmark = pytest.mark.xdist_group("flow")


def test_two_sweeps_at_once_on_one_store(finished, pool: Path, tmp_path: Path):
    store = tmp_path / "store"
    words = command(store, pool, "tracking=off", "sweep.seeds=[0]")
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert hashes(store) and hashes(store).items() <= hashes(finished[0]).items()


def test_a_sweep_that_runs_does_not_see_edits_of_the_tree(finished, pool: Path, tmp_path: Path):
    tree, store = tmp_path / "tree", tmp_path / "store"
    for name in ("mmprolong", "conf", "sweeps", "analysis"):
        shutil.copytree(Path(__file__).parents[2] / name, tree / name)
    imports = {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
    words, pipe = command(store, pool, "tracking=off", "sweep.seeds=[0]"), subprocess.PIPE
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=pipe, env=os.environ | imports, text=True)
    while process.poll() is None and not list(store.glob("logs/worker-*")):
        time.sleep(0.01)
    for stage in STAGES.values():
        (tree / f"{stage.module.replace('.', '/')}.py").write_text("raise RuntimeError('half an edit')\n")
    assert (process.communicate(timeout=300)[1], process.returncode) == ("", 0)
    assert hashes(store) and hashes(store).items() <= hashes(finished[0]).items()

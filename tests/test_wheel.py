"""The wheel, installed into an environment of its own and used from a folder that knows nothing of the tree."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from mmprolong.config.groups import CONFIG_DIR
from tests.own import FILES, write_own
from tests.small import ONE_WORKER, run, small_pool

pytest.importorskip("hatchling", reason="hatchling builds the wheel; it comes with the extra `dev`")

pytestmark = pytest.mark.xdist_group("wheel")

ROOT = Path(__file__).parents[1]
ABLATION = "sweeps/ablation/rope_fine.yaml"
TINY = """\
phases:
  align: {mixture: {tokens: 1024}}
  window: {start: [align], mixture: {tokens: 1024}}
  longpt: {mixture: {tokens: 3072}}
sources:
  align: {documents: 60}
  window: {documents: 15}
  long: {documents: 40}
  heldout: {documents: 1, lengths: [{name: 1x, pages: [4, 4]}, {name: 2x, pages: [8, 8]}]}
suite:
  overall: [2x]
  trained: 2x
tracking: {mode: "off"}
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a user's own files, a small pool and the installed package in `venv`."""
    folder = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", wheel], check=True)
    (site,) = folder.glob("venv/lib/python*/site-packages")
    (site / "installed.pth").write_text(sysconfig.get_path("purelib"))
    write_own(folder, **{ABLATION: FILES[ABLATION] + TINY})
    small_pool(folder / "pool")
    return folder


def typed(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess:
    """What the installed command answers."""
    lost = ("PYTHONPATH", CONFIG_DIR)
    environment = {name: value for name, value in os.environ.items() if name not in lost} | variables
    return run([str(folder / "venv" / "bin" / "mmprolong"), *words], cwd=folder, env=environment)


def test_the_package_is_the_wheels_own(elsewhere: Path):
    (frozen,) = elsewhere.glob("venv/lib/python*/site-packages/mmprolong/sweeps/ablation/rope_base.yaml")
    refused = typed(elsewhere, "list", "--config-dir", str(frozen.parents[2]))
    assert f"the package has a file of this name, {frozen.parents[2]}/" in refused.stderr


def test_an_own_ablation_is_planned_and_completed(elsewhere: Path):
    words = ["sweep", "+ablation=rope_fine", "corpus.path=pool", "--dry-run"]
    planned = typed(elsewhere, *words, "--config-dir", "own")
    assert planned.returncode == 0, planned.stderr
    assert "Is three times the rotary base enough?" in " ".join(planned.stdout.split())
    assert typed(elsewhere, *words, **{CONFIG_DIR: "own"}).stdout == planned.stdout
    assert "files of your own: --config-dir DIR" in typed(elsewhere, *words).stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_shell_completes_the_name_of_an_own_ablation(elsewhere: Path):
    words = "COMP_WORDS=(mmprolong sweep +ablation = rope_f) COMP_CWORD=4"  # bash parts words at =
    defined = 'eval "$(_MMPROLONG_COMPLETE=bash_source mmprolong)"'
    ask = f'{defined}\n{words}\n_mmprolong_completion mmprolong\necho "$COMPREPLY"'
    environment = {
        **os.environ,
        "PATH": f"{elsewhere}/venv/bin:{os.environ['PATH']}",
        CONFIG_DIR: str(elsewhere / "own"),
    }
    assert run(["bash", "-c", ask], env=environment).stdout == "rope_fine\n"


def test_an_own_ablation_runs_to_its_own_table(elsewhere: Path):
    words = ["sweep", "+ablation=rope_fine", "corpus.path=pool", *ONE_WORKER, "--config-dir", "own"]
    done = typed(elsewhere, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Rotary base, finer" in done.stdout and "3x   (1/1)" in done.stdout
    assert "22 of 22 steps" in typed(elsewhere, "status", "rope_fine").stdout
    told = typed(elsewhere, "report", "rope_fine")
    assert told.stderr.startswith(
        f"error: rope_fine: launched with files of your own, add --config-dir {elsewhere}/own"
    )
    assert told.stderr.count("\n") == 1
    report = typed(elsewhere, "report", "rope_fine", **{CONFIG_DIR: "own"})
    assert "Rotary base, finer" in report.stdout and "stale" not in report.stdout

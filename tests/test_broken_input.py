"""What is broken is told in one line, with exit code 1, and nothing is half launched: through the commands."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.cli.lookup import step_folders
from mmprolong.pipeline.plan import planned
from mmprolong.store.store import Store
from tests.corpus.pdfs import write_pdf
from tests.stores import Truth, write_store
from tests.wandb_server import serving

ROOT = Path(__file__).parents[1]
SMALL = Truth(levels={"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}, documents=4, questions=2, seeds=1, wandb=True)

MINE = """\
# @package _global_
sweep:
  name: mine
  question: Mine?
  source: me
  baseline: a
  points:
    a: [rope=base_x1]
    b: [rope=base_x2]
"""


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a command says before it gives up."""
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1, out + err
    return err


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("sweep.baseline=pool_nativ", "sweep.baseline: 'pool_nativ' is no label; did you mean 'pool_native'?"),
        ("sweep.seeds=[0,1,1]", "sweep.seeds: [0, 1, 1]; name each once"),
        ("+sweep.grid=[{x:['lenth_distribution=uniform']}]", "did you mean 'length_distribution'?"),
        ("+sweep.grid=[{x:['length_distribution=unifrm']}]", "did you mean 'uniform'?"),
        (
            "+sweep.grid.x=[1]",
            "sweep.grid: {'x': [1]}; should be a valid array",
        ),
        ("+sweep.points.x=[]", "sweep.points.x: []; "),
        ("+sweep.points.x=['']", "length_dist/x: not an override; write key=value"),
        ("sweep=3", "sweep: 3; should be an object"),
        ("cluster.processes=-1", "cluster.processes: -1; should be greater than or equal to 0"),
        ("+ablation=rope_base", "a sweep is one ablation"),
    ],
)
def test_a_wrong_ablation(capsys: pytest.CaptureFixture[str], tmp_path: Path, override: str, says: str):
    for words in (["--dry-run"], []):
        assert says in told(capsys, "sweep", "+ablation=length_dist", f"paths.store={tmp_path}", override, *words)
    assert step_folders(Store(tmp_path)) == planned(Store(tmp_path)) == []


@pytest.mark.parametrize(("key", "says"), [("f" * 40, "invalid API key"), ("short", "must have 40+ characters")])
def test_a_wrong_key_of_wandb(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, says: str
):
    store = write_store(tmp_path, SMALL)
    with serving() as server:
        for name, value in {"BASE_URL": server.url, "API_KEY": key, "SILENT": "true"}.items():
            monkeypatch.setenv(f"WANDB_{name}", value)
        for words in (["report", "length_dist", "--from", "lab/mmprolong"], ["sync"]):
            assert says in told(capsys, *words, "--store", str(store))


def without_column(text: str) -> str:
    return text.replace("overall", "in all", 1)


def without_row(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("Qwen2.5-VL-7B")) + "\n"


def ragged(text: str) -> str:
    return text.replace("\n", ",9\n").replace(",9\n", "\n", 1)


def wordy(text: str) -> str:
    return text.replace("5", "five")


def unmeasured(text: str) -> str:
    return re.sub(r"\d+\.\d+", "nan", text)


def empty(text: str) -> str:
    return ""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and its data, to be damaged."""
    folder = tmp_path_factory.mktemp("package")
    for name in ("mmprolong", "conf", "sweeps", "analysis"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("demo_pool", "__pycache__"))
    return folder


@pytest.mark.parametrize(
    ("table", "file", "damage", "says"),
    [
        ("final_comparison", "mmprolong_final_comparison", without_column, "no column 'overall'; its columns are"),
        ("final_comparison", "mmprolong_final_comparison", without_row, "model 'Qwen2.5-VL-7B'"),
        ("final_comparison", "mmprolong_final_comparison", ragged, "not all of one length"),
        ("rope_base", "mmprolong_rope_base", without_column, "no column 'overall'; its columns are"),
        ("rope_base", "mmprolong_rope_base", wordy, "write a number"),
        ("rope_base", "mmprolong_rope_base", unmeasured, "'nan' is no finite number; write a number"),
        (
            "rope_base",
            "mmprolong_rope_base",
            empty,
            "no rows, or not all of one length; expected a line of column names",
        ),
        (
            "orion_stages",
            "orion_short_vs_long_stage",
            empty,
            "no rows, or not all of one length; expected a line of column names",
        ),
        (
            "training_setup",
            "mmprolong_training_setup",
            lambda text: text.replace("item", "thing", 1),
            "no column 'item'",
        ),
    ],
)
def test_a_published_file_of_another_shape(
    package: Path, tmp_path: Path, table: str, file: str, damage: Callable[[str], str], says: str
):
    path = package / "analysis" / "published" / f"{file}.csv"
    whole = path.read_text()
    path.write_text(damage(whole))
    assert path.read_text() != whole
    try:
        said = refused(package, tmp_path, "report", table)
    finally:
        path.write_text(whole)
    assert says in said


def test_a_published_file_of_another_shape_is_found_before_the_sweep(package: Path, tmp_path: Path):
    path = package / "analysis" / "published" / "mmprolong_rope_base.csv"
    whole = path.read_text()
    path.write_text("foo,bar\n1,2\n")
    try:
        pool = write_pdf(tmp_path / "pool" / "a.pdf").parent
        said = refused(
            package, tmp_path, "sweep", "+ablation=rope_base", f"paths.store={tmp_path}", f"corpus.path={pool}"
        )
    finally:
        path.write_text(whole)
    assert "mmprolong_rope_base.csv: no row with {'base': '2e6'}; its columns are foo, bar" in said
    assert planned(Store(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("sweeps/ablation/mine.yaml", "sweep: [", "mine.yaml:1: expected the node content"),
        ("sweeps/ablation/mine.yaml", "sweeps: {}", "mine.yaml: no block `sweep:`"),
        ("sweeps/ablation/mine.yaml", MINE.replace("baseline: a", "baseline: c"), "mine.yaml: sweep.baseline: 'c'"),
        ("sweeps/ablation/mine.yaml", MINE.replace("name: mine", "name: yours"), "sweep.name: 'yours'; call it 'mine'"),
        ("sweeps/ablation/mine.yaml", MINE + "phases: {longpt: {mixture: {tokns: 1}}}", "did you mean 'tokens'?"),
        ("sweeps/ablation/mine.yaml", MINE.replace("base_x1", "base_x3"), "mine/a: rope: 'base_x3' is unknown"),
        (
            "conf/rope/base_x1.yaml",
            "# @package phases.longpt.rope\nfactr: 1",
            "mine/a: phases.longpt.rope.factr",
        ),
        ("conf/rope/base_x1.yaml", "# @package phases.longpt.rope\nfactor: [", "rope/base_x1.yaml:2: "),
        (
            "conf/rope/base_x1.yaml",
            "factor: 1",
            "mine/a: rope: no block of settings",
        ),
        ("conf/corpus/demo.yaml", "- a", "corpus/demo.yaml: Cannot merge DictConfig with ListConfig"),
        (
            "conf/corpus/demo.yaml",
            "# caf\xe9\npath: demo",
            "a file of conf: 'utf-8' codec can't decode byte 0xe9",
        ),
        ("conf/corpus/demo.yaml", "defaults: [{a: 3}]", "a file of conf: Unsupported item value in defaults"),
        ("conf/cluster/local.yaml", "jobs: {defalt: {}}", "cluster.jobs.defalt: 'defalt' is no stage"),
        ("sweeps/ablation/mine.yaml", MINE.partition("\n")[2], "`# @package KEY` (or `_global_`)"),
        ("sweeps/ablation/mine.yaml", MINE + "# caf\xe9", "mine.yaml: 'utf-8' codec can't decode byte 0xe9"),
        (
            "sweeps/ablation/mine.yaml",
            MINE.replace("[rope=base_x1]", "rope=base_x1"),
            "mine.yaml: sweep.points.a: 'rope=base_x1'; should be a valid array",
        ),
        (
            "sweeps/ablation/mine.yaml",
            MINE.replace("base_x1]", "base_x1, seed=9]"),
            "mine.yaml: sweep.points.a: 'seed=9'; name seeds in sweep.seeds",
        ),
        ("sweeps/ablation/mine.yaml", MINE + "phases: {lngpt: {mixture: {tokens: 9}}}", "did you mean 'longpt'?"),
    ],
)
def test_a_file_that_the_user_wrote(package: Path, tmp_path: Path, file: str, text: str, says: str):
    path = package / file
    whole = path.read_text() if path.exists() else None
    (package / "sweeps" / "ablation" / "mine.yaml").write_text(MINE)
    path.write_text(text, encoding="latin-1")
    try:
        pool = write_pdf(tmp_path / "pool" / "a.pdf").parent
        said = refused(package, tmp_path, "sweep", "+ablation=mine", f"paths.store={tmp_path}", f"corpus.path={pool}")
    finally:
        (package / "sweeps" / "ablation" / "mine.yaml").unlink()
        if whole is not None:
            path.write_text(whole)
    assert says in said
    assert planned(Store(tmp_path)) == []


def refused(package: Path, store: Path, *words: str) -> str:
    """The one line that a command of a damaged copy of the package says."""
    done = typed(package, *words, *(() if words[0] == "sweep" else ("--store", str(store))))
    assert (done.returncode, done.stdout) == (1, ""), done.stdout + done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def typed(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What a copy of the package answers to a command."""
    environment = {**os.environ, "PYTHONPATH": str(package), "PYTHONSAFEPATH": "1", "COLUMNS": "400"}
    command = [sys.executable, "-m", "mmprolong.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

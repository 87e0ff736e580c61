import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from mmprolong.errors import ConfigError
from mmprolong.evaluation.score import metrics
from mmprolong.reporting.report.wandb_report import save_wandb_report
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.results.wandb import read_wandb
from mmprolong.reporting.statistics.contrasts import estimates
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.reporting.tables.render import to_markdown
from mmprolong.store.atomic import write_json
from mmprolong.store.fingerprint import leaves
from tests.analysis.runs import runs_of
from tests.small import run
from tests.store_inputs import LENGTHS
from tests.stores import Truth, write_store
from tests.wandb_server import Run, WandbServer

SMALL = Truth(levels={"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}, documents=4, questions=2, seeds=2)
PROJECT = "lab/mmprolong"


def measured(runs: Runs) -> dict[str, Estimate]:
    return estimates(runs, runs.average)


def fill(server: WandbServer, store: Path, entity: str = "lab", project: str = "mmprolong") -> None:
    """The results of a store as their mirror shows them."""
    for step, scores in read_store(store, "length_dist").results.items():
        run = Run(entity, project, step, group="length_dist", state="finished")
        run.config = {"step": {"value": step}}
        run.summary = dict(leaves(metrics(scores, LENGTHS), "/"))
        rows = enumerate(msgspec.to_builtins(scores))
        run.history = {step: {"_step": step, **row} for step, row in rows}
        server.runs[entity, project, step] = run


def test_the_api_gives_the_same_arms_as_the_store(server: WandbServer, tmp_path: Path):
    store = write_store(tmp_path, SMALL)
    fill(server, store)
    assert measured(read_wandb(store, "length_dist", PROJECT)) == measured(read_store(store, "length_dist"))


def test_a_run_that_goes_on_is_not_a_result(server: WandbServer, tmp_path: Path):
    store = write_store(tmp_path, SMALL)
    fill(server, store)
    server.runs["lab", "mmprolong", "score-uniform-s1"].state = "running"
    assert [point.seed for point in read_wandb(store, "length_dist", PROJECT).missing] == [1]


def test_many_runs_come_in_pages(server: WandbServer, tmp_path: Path):
    runs = runs_of({"a": 0.5}, ["reasoning"], ["1x"], "a", seeds=120, documents=1)
    (tmp_path / "plans").mkdir()
    write_json(tmp_path / "plans" / "made.json", runs.plan)
    for step, scores in runs.results.items():
        rows = {number: {"_step": number, **row} for number, row in enumerate(msgspec.to_builtins(scores))}
        run = Run("lab", "mmprolong", step, state="finished", summary={"overall": 0.5}, history=rows)
        server.runs["lab", "mmprolong", step] = run
    found = read_wandb(tmp_path, "made", PROJECT)
    assert len(found.results) == 120 and server.asked.count("Runs") == 3


def test_a_wrong_key_is_one_line(server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = write_store(tmp_path, SMALL)
    monkeypatch.setenv("WANDB_API_KEY", "f" * 40)
    with pytest.raises(ConfigError, match=r"W&B lab/mmprolong: .*invalid API key; check WANDB_API_KEY") as caught:
        read_wandb(store, "length_dist", PROJECT)
    assert "\n" not in str(caught.value)


def test_an_unreachable_server_is_one_line(server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = write_store(tmp_path, SMALL)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"W&B lab/mmprolong: .*; check WANDB_API_KEY"):
        read_wandb(store, "length_dist", PROJECT, seconds=1)


def test_a_project_that_is_not_there_is_one_line(server: WandbServer, tmp_path: Path):
    with pytest.raises(ConfigError, match="Could not find project nothing"):
        read_wandb(write_store(tmp_path, SMALL), "length_dist", "lab/nothing")


@pytest.mark.filterwarnings("ignore:Pydantic V1 style:DeprecationWarning")
def test_the_report_in_wandb_shows_the_table(server: WandbServer, tmp_path: Path):
    store = write_store(tmp_path, SMALL)
    fill(server, store)
    runs = read_store(store, "length_dist")
    table = table_of(runs)
    assert save_wandb_report(runs, table, PROJECT).startswith(server.url)
    (view,) = server.views
    blocks = json.loads(view["spec"])["blocks"]
    said = [block["content"] for block in blocks if block["type"] == "markdown-block"]
    printed = to_markdown(table).replace("\\<", "<")
    assert said and all(line in printed for text in said for line in text.splitlines())
    assert '"length_dist"' in view["spec"] and view["displayName"] == "length_dist: Length distribution"


def test_a_report_for_a_user_who_is_not_logged_in_is_one_line(tmp_path: Path):
    store = write_store(tmp_path / "store", SMALL)
    words = [sys.executable, "-m", "mmprolong.cli", "report", "length_dist", "--wandb", PROJECT, "--store", str(store)]
    stranger = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    done = run(words, env={**stranger, "HOME": str(tmp_path)})
    assert done.returncode == 1
    assert "pool_native" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("error: W&B: No API key")

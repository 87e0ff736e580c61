"""From PDFs to the table, as a user runs it."""

import json
import sys
from pathlib import Path

import pytest

from mmprolong.pipeline.plan import Plan, load_plan
from mmprolong.pipeline.run import run_step
from mmprolong.records import Reject
from mmprolong.settings.execution import Tracking
from mmprolong.settings.stages import STAGES
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store
from tests.flow.results import records
from tests.small import command, run

pytestmark = pytest.mark.xdist_group("flow")


def test_pdfs_become_a_table(finished):
    store, done = finished
    assert done.returncode == 0, done.stdout + done.stderr
    for label in ("base", "pool_native", "uniform"):
        assert label in done.stdout
    assert "report:" in done.stdout
    report = store / "reports" / "length_dist"
    assert {"table.md", "table.tex", "table.csv", "report.html"} <= {path.name for path in report.iterdir()}
    assert [*report.glob("*.png")]
    assert f"dashboard: {report / 'dashboard.html'}" in done.stdout
    page = (report / "dashboard.html").read_text()
    assert 'http-equiv="refresh"' not in page
    assert f"<title>{len(load_plan(Store(store), 'length_dist').steps)}/" in page
    assert [*report.glob("*.svg")]


def test_every_stage_left_a_record(finished):
    store, _ = finished
    found = records(store)
    assert len(found) == len(load_plan(Store(store), "length_dist").steps)
    assert {record.stage for record in found.values()} == set(STAGES)
    assert all(record.outputs and record.commit and record.code for record in found.values())
    assert all(record.packages["torch"] and record.hardware for record in found.values())


def test_the_broken_pdf_is_a_counted_reject(finished):
    store, _ = finished
    corpus = next((store / "corpus").iterdir())
    assert [reject.what for reject in read_jsonl(corpus / "rejects.jsonl", Reject)] == ["broken.pdf"]


def test_points_share_the_steps_that_they_share(finished):
    plan: Plan = load_plan(Store(finished[0]), "length_dist")
    asked = sum(len(point.steps) for point in plan.points)
    assert asked > 2 * len(plan.steps)
    assert len({point.steps["training.window"] for point in plan.points}) == 1


def test_metrics_in_the_record_are_those_of_the_scores(finished):
    store, _ = finished
    for folder in (store / "score").iterdir():
        record = json.loads((folder / "done.json").read_text())
        lines = (folder / "scores.jsonl").read_text().splitlines()
        assert sum(record["metrics"]["n"].values()) == len(lines)


def test_a_second_run_repeats_nothing(finished, pool: Path):
    store, _ = finished
    before = {path: path.stat().st_mtime_ns for path in store.glob("*/*/done.json")}
    again = run(command(store, pool))
    assert again.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in store.glob("*/*/done.json")} == before


def test_a_finished_step_is_not_run_again_by_anyone(finished):
    store, _ = finished
    plan = load_plan(Store(store), "length_dist")
    step = next(step for step in plan.steps.values() if step.stage == "training")
    assert run_step(Store(store), step, Tracking(mode="off")) == Store(store).record("training", step.id)


def test_training_and_scores_are_mirrored_offline(finished):
    store, _ = finished
    mirrored = {path.name.split("-", 3)[-1] for path in (store / "wandb").glob("offline-run-*")}
    stages = [record.stage for record in records(store).values()]
    assert len(mirrored) == stages.count("training") + stages.count("score")


def test_status_reads_the_store(finished):
    store, _ = finished
    shown = run([sys.executable, "-m", "mmprolong.cli", "status", "length_dist", "--store", str(store)])
    assert shown.returncode == 0
    assert shown.stdout.count("finished") == 6


def test_the_report_can_be_written_again(finished):
    store, _ = finished
    shown = run([sys.executable, "-m", "mmprolong.cli", "report", "length_dist", "--store", str(store)])
    assert shown.returncode == 0
    assert "pool_native" in shown.stdout

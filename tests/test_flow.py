"""From PDFs to the table, as a user runs it; and killed in every stage."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmprolong.artifacts import Store
from mmprolong.config import Tracking
from mmprolong.plans import Plan, load_plan
from mmprolong.records import Reject, RunRecord, read_jsonl
from mmprolong.settings import STAGES
from mmprolong.stages import run_step
from tests.small import command, run, small_pool

pytestmark = pytest.mark.xdist_group("flow")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_pool(tmp_path_factory.mktemp("flow") / "pool")


@pytest.fixture(scope="module")
def finished(pool: Path) -> tuple[Path, subprocess.CompletedProcess]:
    store = pool.parent / "store"
    return store, run(command(store, pool))


def records(store: Path) -> dict[str, RunRecord]:
    plan = load_plan(Store(store), "length_dist")
    found = {name: Store(store).record(step.stage, name) for name, step in plan.steps.items()}
    return {name: record for name, record in found.items() if record is not None}


def hashes(store: Path) -> dict[str, dict[str, str]]:
    return {name: record.outputs for name, record in records(store).items()}


def test_pdfs_become_a_table(finished):
    store, done = finished
    assert done.returncode == 0, done.stdout + done.stderr
    for label in ("base", "pool_native", "uniform"):
        assert label in done.stdout
    assert "report:" in done.stdout
    report = store / "reports" / "length_dist"
    assert {"table.md", "table.tex", "table.csv", "report.html"} <= {path.name for path in report.iterdir()}
    assert [*report.glob("*.png")]
    assert [*report.glob("*.svg")]


def test_every_stage_left_a_record(finished):
    store, _ = finished
    found = records(store)
    assert len(found) == len(load_plan(Store(store), "length_dist").steps)
    assert {record.stage for record in found.values()} == set(STAGES)
    assert all(record.outputs and record.commit and record.packages["torch"] for record in found.values())


def test_the_broken_pdf_is_a_counted_reject(finished):
    store, _ = finished
    corpus = next((store / "corpus").iterdir())
    assert [reject.what for reject in read_jsonl(corpus / "rejects.jsonl", Reject)] == ["broken.pdf"]


def test_points_share_the_steps_that_they_share(finished):
    plan: Plan = load_plan(Store(finished[0]), "length_dist")
    asked = sum(len(point.steps) for point in plan.points)
    assert asked > 2 * len(plan.steps)
    assert len({point.steps["window.training"] for point in plan.points}) == 1


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


def kill_inside(stage: str, words: list[str], store: Path) -> bool:
    """Start the sweep and kill all of it as soon as a step of `stage` has begun and is not done."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while process.poll() is None:
            begun = [path for path in (store / stage).glob("*") if not (path / "done.json").exists()]
            if begun and any(file.name != ".lease" for path in begun for file in path.iterdir()):
                return True
            time.sleep(0.002)
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_killed_in_every_stage_the_results_are_equal(finished, pool: Path, tmp_path: Path):
    store = tmp_path / "store"
    words = command(store, pool, "training.checkpoint_seconds=0", "tracking=off")
    killed = [stage for stage in STAGES if kill_inside(stage, words, store)]
    assert {"corpus", "training"} <= set(killed), killed
    assert run(words).returncode == 0
    assert hashes(store) == hashes(finished[0])


def test_two_sweeps_at_once_on_one_store(finished, pool: Path, tmp_path: Path):
    store = tmp_path / "store"
    words = command(store, pool, "tracking=off", "sweep.seeds=[0]")
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    expected = hashes(finished[0])
    assert all(outputs == expected[name] for name, outputs in hashes(store).items())


def test_one_failed_arm_does_not_stop_the_others(finished, pool: Path):
    store, _ = finished
    narrow = "['length_distribution=long_biased','phases.longpt.mixture.pack=100']"
    done = run([*command(store, pool, "tracking=off"), f"+sweep.points.narrow={narrow}"])
    assert done.returncode == 1
    assert "a pack holds 100; raise it" in done.stdout
    assert "2 steps failed" in done.stderr
    assert "pool_native" in done.stdout


def test_a_damaged_record_stops_the_sweep_in_one_line(finished, pool: Path):
    store, _ = finished
    path = next((store / "mixture").glob("*/done.json"))
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    try:
        done = run(command(store, pool))
        assert done.returncode == 1
        assert "delete the folder to run the step again" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        path.write_bytes(whole)


def test_metrics_in_the_record_are_those_of_the_scores(finished):
    store, _ = finished
    for folder in (store / "score").iterdir():
        record = json.loads((folder / "done.json").read_text())
        lines = (folder / "scores.jsonl").read_text().splitlines()
        assert sum(record["metrics"]["n"].values()) == len(lines)

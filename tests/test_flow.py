"""From PDFs to the table, as a user runs it; and killed in every stage."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from wandb.proto import wandb_internal_pb2

from mmprolong.artifacts import Store
from mmprolong.config import Tracking
from mmprolong.plans import Plan, load_plan
from mmprolong.records import Reject, Reply, RunRecord, Score, read_jsonl
from mmprolong.reporting.sources.wandb_files import payloads, read_runs
from mmprolong.settings import STAGES
from mmprolong.stages import run_step
from tests.small import command, run, small_pool
from tests.wandb_server import KEY, serving

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
            if begun and any(file.name not in (".lease", ".code") for path in begun for file in path.iterdir()):
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


def undone(store: Path, copy: Path) -> tuple[str, str]:
    """Copy a finished store without one arm's long training and what needs it; its steps training and score."""
    shutil.copytree(store, copy, ignore=shutil.ignore_patterns("reports", "wandb", "logs"))
    plan = load_plan(Store(copy), "length_dist")
    steps = next(point.steps for point in plan.points if point.label == "uniform")
    for role in ("longpt.training", "reply", "score"):
        shutil.rmtree(copy / plan.steps[steps[role]].path)
    return steps["longpt.training"], steps["score"]


def stopped(words: list[str], log: Path, environment: dict[str, str]) -> str:
    """What a sweep said that gets SIGTERM after the first line of a log."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(words, **pipes, text=True, env=environment) as process:
        while not log.exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.terminate()
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 130, said
    return said


def test_sigterm_saves_and_finishes_the_offline_run(finished, pool: Path, tmp_path: Path):
    training, _ = undone(finished[0], tmp_path / "store")
    words = command(tmp_path / "store", pool)
    stopped(words, tmp_path / "store" / "training" / training / "log.jsonl", dict(os.environ))
    (mirrored,) = (tmp_path / "store" / "wandb").glob("offline-run-*/run-*.wandb")
    last = wandb_internal_pb2.Record.FromString([*payloads(mirrored)][-1])
    assert last.WhichOneof("record_type") == "exit"
    assert last.exit.exit_code == 1
    assert run(words).returncode == 0
    assert hashes(tmp_path / "store") == hashes(finished[0])
    lines = (tmp_path / "store" / "training" / training / "log.jsonl").read_text().splitlines()
    rows = read_runs(tmp_path / "store" / "wandb")[training].history
    assert [row["loss"] for row in rows] == [json.loads(line)["loss"] for line in lines]


def test_sigterm_finishes_the_online_run_and_the_key_is_nowhere(finished, pool: Path, tmp_path: Path):
    training, score = undone(finished[0], tmp_path / "store")
    words = command(tmp_path / "store", pool, "tracking=online")
    with serving() as server:
        environment = {**os.environ, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY, "HOME": str(tmp_path)}
        said = stopped(words, tmp_path / "store" / "training" / training / "log.jsonl", environment)
        runs = {name: held for (_, _, name), held in server.runs.items()}
        assert [(name, held.state) for name, held in runs.items()] == [(training, "failed")]
        again = run(words, env=environment)
    assert again.returncode == 0, again.stdout + again.stderr
    assert hashes(tmp_path / "store") == hashes(finished[0])
    runs = {name: held for (_, _, name), held in server.runs.items()}
    assert {(name, held.state, held.group) for name, held in runs.items()} == {
        (training, "finished", "length_dist"),
        (score, "finished", "length_dist"),
    }
    lines = (tmp_path / "store" / "training" / training / "log.jsonl").read_text().splitlines()
    rows = [row for _, row in sorted(runs[training].history.items())]
    assert [row["loss"] for row in rows] == [json.loads(line)["loss"] for line in lines]
    (artifact,) = server.artifacts.held
    assert (artifact.type, artifact.run, artifact.state) == ("scores", score, "COMMITTED")
    store = Store(tmp_path / "store")
    record = store.record("score", score)
    assert record is not None
    scores = read_jsonl(store.folder("score", score) / "scores.jsonl", Score)
    replies = read_jsonl(store.root / record.needs["reply"] / "replies.jsonl", Reply)
    expected = [(one.sample, one.value, other.text) for one, other in zip(scores, replies, strict=True)]
    assert [(row["sample"], row["value"], row["reply"]) for row in artifact.table("scores")] == expected
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in said + again.stdout + again.stderr
    assert KEY.encode() not in written


def test_a_sweep_with_a_wrong_key_says_so_before_anything_starts(pool: Path, tmp_path: Path):
    with serving() as server:
        environment = {**os.environ, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": "f" * 40, "HOME": str(tmp_path)}
        done = run(command(tmp_path / "store", pool, "tracking=online"), env=environment)
    assert done.returncode == 1
    assert done.stderr.startswith("error: W&B: ") and "invalid API key" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "store" / "corpus").exists()


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
        shutil.copytree(Path(__file__).parents[1] / name, tree / name)
    imports = {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
    words, pipe = command(store, pool, "tracking=off", "sweep.seeds=[0]"), subprocess.PIPE
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=pipe, env=os.environ | imports, text=True)
    while process.poll() is None and not list(store.glob("logs/worker-*")):
        time.sleep(0.01)
    for stage in STAGES.values():
        (tree / f"{stage.module.replace('.', '/')}.py").write_text("raise RuntimeError('half an edit')\n")
    assert (process.communicate(timeout=300)[1], process.returncode) == ("", 0)
    assert hashes(store) and hashes(store).items() <= hashes(finished[0]).items()


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


def test_a_sweep_of_mixed_code_says_why_there_is_no_table_and_what_prints_it(finished, pool: Path):
    store, _ = finished
    path = next((store / "reply").glob("*/done.json"))
    whole = path.read_text()
    path.write_text(whole.replace('"evaluation/reply.py": "', '"evaluation/reply.py": "0'))
    try:
        done = run(command(store, pool))
        assert done.returncode == 1 and done.stderr == ""
        assert "no table: length_dist: different code made steps of one stage: reply: evaluation/" in done.stdout
        assert f"mmprolong report length_dist --mixed-code --store {store}" in done.stdout
        ahead = run([*command(store, pool, "--dry-run"), "suite.new_tokens=17"]).stdout
        assert "before it starts:" not in ahead
        other = run([*command(store, pool, "--dry-run"), "sweep.seeds=[0,1,2]"]).stdout
        assert "before it starts: reply: evaluation/reply.py not the same in" in other
    finally:
        path.write_text(whole)


def test_metrics_in_the_record_are_those_of_the_scores(finished):
    store, _ = finished
    for folder in (store / "score").iterdir():
        record = json.loads((folder / "done.json").read_text())
        lines = (folder / "scores.jsonl").read_text().splitlines()
        assert sum(record["metrics"]["n"].values()) == len(lines)

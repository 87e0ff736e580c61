"""A sweep that is killed in any stage, or asked to stop, ends in the same results."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from wandb.proto import wandb_internal_pb2

from mmprolong.pipeline.plan import load_plan
from mmprolong.records import Reply, Score
from mmprolong.reporting.results.wandb_files import payloads, read_runs
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store
from tests.flow.results import copied, hashes
from tests.small import ONE_WORKER, command, run
from tests.wandb_server import KEY, serving

pytestmark = pytest.mark.xdist_group("flow")


CONTINUED = {"corpus", "training", "reply"}
"""Stages that continue after a kill, each from files of its own, and take long enough to be met at it."""


def killed_stage(words: list[str], store: Path, left: set[str]) -> str:
    """Start the sweep, and kill all of it as soon as a step of a stage in `left` is under way; empty if it ended."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while process.poll() is None:
            for path in (path for stage in left for path in (store / stage).glob("*")):
                if not (path / "done.json").exists() and {file.name for file in path.iterdir()} - {".lease", "scratch"}:
                    return path.parent.name
            time.sleep(0.002)
        assert process.returncode == 0
        return ""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_killed_in_every_stage_that_continues_the_results_are_equal(finished, pool: Path, tmp_path: Path):
    store, left = tmp_path / "store", set(CONTINUED)
    words = command(store, pool, "training.checkpoint_seconds=0", "tracking=off", "sweep.seeds=[0]", *ONE_WORKER)
    while stage := killed_stage(words, store, left):
        left.remove(stage)
    assert not left
    assert hashes(store) and hashes(store).items() <= hashes(finished[0]).items()


def undone(store: Path, copy: Path) -> tuple[str, str]:
    """Copy a finished store without one arm's long training and what needs it; its steps training and score."""
    copied(store, copy)
    plan = load_plan(Store(copy), "length_dist")
    steps = next(point.steps for point in plan.points if point.label == "uniform")
    for role in ("training.longpt", "reply.heldout", "score.heldout"):
        shutil.rmtree(copy / plan.steps[steps[role]].path)
    return steps["training.longpt"], steps["score.heldout"]


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

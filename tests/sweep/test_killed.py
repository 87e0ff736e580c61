"""A step whose process is killed on this machine: what is written, and what is said of it afterwards."""

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from mmprolong.cli import main
from mmprolong.pipeline.plan import load_plan
from mmprolong.runtime.failures import Failure, from_process, write_failure
from mmprolong.store.lease import LEASE, is_held, lease
from mmprolong.store.store import PROGRESS, Store
from mmprolong.sweep.said import last_said
from mmprolong.sweep.standing import log_path, noted, standings
from mmprolong.sweep.submissions import latest
from mmprolong.sweep.worker_logs import read_log
from tests.cli.typed import TINY
from tests.small import command, run, small_pool
from tests.sweep.queues import CHAIN, SaidQueue, submit
from tests.sweep.scenes import SLURM, sweep

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def begun(store: Store, stage: str, name: str, seconds_ago: float = 0.0) -> Path:
    """A step that has said how far it is, and then no more."""
    folder = store.folder(stage, name)
    folder.mkdir(parents=True)
    said = {"done": 1, "total": 7, "unit": "updates", "rate": 1.0, "time": time.time() - seconds_ago}
    (folder / PROGRESS).write_text(str(said).replace("'", '"'))
    return folder


def test_a_step_of_this_machine_runs_as_long_as_its_lease_is_held(store: Store):
    folder = begun(store, "training", "training0", seconds_ago=3600)
    with lease(folder, waiting=lambda: None):
        found = standings(store, CHAIN)["training0"]
        assert (found.state, found.progress["done"]) == ("running", 1)
    assert standings(store, CHAIN)["training0"].state == "open"


def test_a_step_on_a_cluster_runs_as_long_as_it_says_so(store: Store):
    plan = sweep(("b",), 1, SLURM)
    begun(store, "training", "longpt.training-b-0")
    assert standings(store, plan, SaidQueue())["longpt.training-b-0"].state == "running"


def test_looking_at_a_lease_takes_it_from_nobody(store: Store):
    assert not is_held(store.root)
    with lease(store.root, waiting=lambda: None):
        assert is_held(store.root)
    with (store.root / LEASE).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # somebody else looks, too
        assert not is_held(store.root)


@pytest.mark.parametrize(
    ("code", "out_of_memory", "kind", "says"),
    [
        (-signal.SIGKILL, False, "killed", "signal 9 (Killed)"),
        (-signal.SIGKILL, True, "memory", "the kernel has killed for want of memory"),
        (-signal.SIGTERM, True, "killed", "signal 15"),
        (-signal.SIGSEGV, True, "code", "signal 11 (Segmentation fault)"),
        (128 + signal.SIGTERM, True, "killed", "signal 15 (Terminated)"),
        (3, False, "code", "exit code 3"),
        (128 + signal.SIGCHLD, False, "code", "exit code 145"),
    ],
)
def test_the_end_of_a_process_has_one_kind(code: int, out_of_memory: bool, kind: str, says: str):
    failure = from_process(code, out_of_memory)
    assert failure.kind == kind
    assert says in failure.message


def kill_worker(words: list[str], store: Path, stage: str) -> str:
    """Kill the worker that runs a step of `stage`, once; what the sweep said."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(words, **pipes, text=True, env={**os.environ, "COLUMNS": "200"}) as process:
        while not any(is_held(path.parent) for path in (store / stage).glob(f"*/{PROGRESS}")):
            assert process.poll() is None
            time.sleep(0.002)
        (worker,) = psutil.Process(process.pid).children()
        worker.kill()
        return process.communicate(timeout=120)[0]


def test_a_killed_worker_fails_its_step_and_everybody_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    store = tmp_path / "store"
    words = command(store, small_pool(tmp_path / "pool"), *TINY, "cluster.processes=1")
    said = kill_worker(words, store, "training")
    assert "signal 9 (Killed)" in said
    (note,) = store.glob("training/*/failed.json")
    failure = noted(note.parent)
    assert failure is not None
    assert (failure.kind, failure.message) == ("killed", "its process ended with signal 9 (Killed)")
    plan = load_plan(Store(store), "length_dist")
    where = standings(Store(store), plan)
    assert {each.state for each in where.values()} == {"finished", "failed", "blocked"}
    assert main(["status", "length_dist", "--store", str(store)]) == 0
    assert "failed (killed)" in " ".join(capsys.readouterr().out.split())
    assert main(["logs", "length_dist", "--store", str(store)]) == 0
    out = capsys.readouterr().out
    assert f"training/{note.parent.name} (" in out
    assert "killed: its process ended with signal 9 (Killed)" in out
    assert run(words).returncode == 0
    assert not list(store.glob("*/*/failed.json"))


def test_the_log_of_a_worker_is_read_step_by_step(tmp_path: Path):
    path = tmp_path / "worker-1-0.log"
    path.write_text("starting\nmixture/a-1 (x/b/s0/mixture)\nmixture/a-1: odd\n\ntraining/a-2 (x)\none\ntwo\n")
    assert [(step, log.lines) for step, log in read_log(path)] == [
        ("mixture/a-1", ["mixture/a-1: odd"]),
        ("training/a-2", ["one", "two"]),
    ]


def test_what_failed_here_is_told_with_its_traceback_and_what_runs_with_its_log(store: Store):
    (store.root / "logs").mkdir()
    (store.root / "logs" / "worker-1-0.log").write_text("training/training0 (a)\nloss 2\nreply/reply0 (a)\nbatch 3\n")
    folder = store.folder("training", "training0")
    folder.mkdir(parents=True)
    note = '{"kind": "code", "error": "KeyError: 3", "traceback": "Traceback\\n  File x\\nKeyError: 3"}'
    (folder / "failed.json").write_text(note)
    with lease(store.folder("reply", "reply0"), waiting=lambda: None):
        failed, runs = last_said(store, CHAIN, "", 10)
    assert failed.lines == ["code: KeyError: 3", "Traceback", "  File x", "KeyError: 3"]
    assert (runs.state, runs.lines, runs.path.name) == ("running", ["batch 3"], "worker-1-0.log")


def test_what_failed_here_is_told_unless_its_job_on_slurm_said_something_since(store: Store):
    submit(store, CHAIN, "1", "2", "3")
    log = log_path(store, latest(store)["training0"])
    log.parent.mkdir()
    log.write_text("slurmstepd: error: *** JOB 1 ON n7 CANCELLED AT 2026 DUE TO TIME LIMIT ***\n")
    os.utime(log, (time.time() - 3600,) * 2)
    write_failure(store.folder("training", "training0"), Failure("code", "KeyError: 3"), "Traceback\nKeyError: 3")
    (said,) = last_said(store, CHAIN, "training0", 10)
    assert said.lines == ["code: KeyError: 3", "Traceback", "KeyError: 3"]
    os.utime(log, (time.time() + 1,) * 2)
    (said,) = last_said(store, CHAIN, "training0", 10)
    assert said.path == log

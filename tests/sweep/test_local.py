"""Steps on this machine: shared by workers, in ranks, killed, asked to stop."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from mmprolong.runtime.failures import Failure, from_process, read_failure
from mmprolong.store.lease import is_held
from tests.echo import run, start, write_package


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("package"))


def words(store: Path, processes: int, counting: Any, **stages: Any) -> list[str]:
    cluster = {"processes": processes, "jobs": {"summing": {"ranks": 2}}}
    spec = {"ablation": "a", "cluster": cluster, "counting": counting, "arms": {"x": stages}}
    return ["-m", "mmprolong.echo.drive", "local", str(store), json.dumps(spec)]


def launch(package: Path, *typed: Any, **stages: Any) -> list[str]:
    """The states in which the steps end."""
    code, out, err = run(package, *words(*typed, **stages))
    assert code == 0, err
    return list(json.loads(out.splitlines()[-1]).values())


def test_workers_share_the_parts_of_a_step_and_run_another_in_ranks(package: Path, tmp_path: Path):
    assert launch(package, tmp_path, 2, {}, summing={}, closing={}) == ["finished"] * 3
    ran = [line.split() for line in (tmp_path / "ran.txt").read_text().splitlines()]
    assert sorted(int(part) for part, _ in ran) == list(range(6))
    assert len({process for _, process in ran}) == 2
    (numbers,) = tmp_path.glob("counting/*/numbers.jsonl")
    assert numbers.read_text().split() == ["0", "1", "2", "3", "4", "5"]
    (closed,) = tmp_path.glob("closing/*/closed.json")
    assert closed.read_text() == "8"


def test_a_killed_worker_fails_its_step_and_a_rerun_goes_on(package: Path, tmp_path: Path):
    slow = {"seconds": 0.3}
    with start(package, *words(tmp_path, 1, slow)) as process:
        while not list(tmp_path.glob("counting/*/progress.json")):
            assert process.poll() is None
            time.sleep(0.01)
        (worker,) = psutil.Process(process.pid).children()
        worker.kill()
        assert '"failed"' in process.communicate(timeout=60)[0]
    (note,) = tmp_path.glob("counting/*/failed.json")
    assert read_failure(note.parent) == Failure("killed", "its process ended with signal 9 (Killed)")
    assert launch(package, tmp_path, 1, slow) == ["finished"]
    assert not note.exists()
    assert len((tmp_path / "ran.txt").read_text().splitlines()) <= 7  # the part under way is run again, and no other


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2])
def test_a_launcher_that_is_asked_to_stop_lets_its_step_save(package: Path, tmp_path: Path, asked: signal.Signals):
    with start(package, *words(tmp_path, 1, {"parts": 600, "seconds": 0.05})) as process:
        while not list(tmp_path.glob("counting/*/progress.json")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(asked)
        assert "interrupted" in process.communicate(timeout=60)[0]
    (folder,) = tmp_path.glob("counting/*")
    assert 0 < len(list(folder.glob("scratch/parts/*.jsonl"))) < 600
    assert not is_held(folder)
    assert not (folder / "failed.json").exists()


WARNED = """
import signal, subprocess, sys, time
from mmprolong.runtime.signals import StopSignals
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
signals = StopSignals()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])
print("ready", flush=True)
while not signals.stopping():
    time.sleep(0.01)
print(sorted(each.name for each in signals.seen()), child.wait())
"""


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGUSR2, signal.SIGHUP])
def test_a_warned_process_and_its_children_live_on(package: Path, asked: signal.Signals):
    with start(package, "-c", WARNED, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # the child has begun
        os.killpg(process.pid, asked)
        assert process.stdout.read() == f"['{asked.name}'] 0\n"


def test_what_is_ignored_stays_ignored(package: Path):
    code = "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    code += "from mmprolong.runtime.signals import StopSignals; found = StopSignals()\n"
    assert run(package, "-c", code + "os.kill(os.getpid(), signal.SIGHUP); print(found.seen())")[1] == "set()\n"


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (-signal.SIGKILL, "killed", "signal 9 (Killed)"),
        (-signal.SIGSEGV, "code", "signal 11 (Segmentation fault)"),
        (128 + signal.SIGTERM, "killed", "signal 15 (Terminated)"),
        (3, "code", "exit code 3"),
        (128 + signal.SIGCHLD, "code", "exit code 145"),
    ],
)
def test_the_end_of_a_process_has_one_kind(code: int, kind: str, says: str):
    failure = from_process(code)
    assert failure.kind == kind
    assert says in failure.message


def test_a_launch_inherits_nothing_of_the_job_or_the_ranks_inside_which_it_is_typed(package: Path):
    theirs = ("SLURM_NTASKS", "SBATCH_PARTITION", "SRUN_DEBUG", "SQUEUE_USERS", "RANK", "TORCHELASTIC_RUN_ID")
    variables = {
        **dict.fromkeys(theirs, "1"),
        "WANDB_RUN_ID": "x",
        "WANDB_API_KEY": "k",
        "SLURM_CONF": "/etc/slurm.conf",
    }
    code = "import os; from mmprolong.sweep.resources import drop_foreign_variables\n"
    code += "drop_foreign_variables(); print(*sorted(os.environ.keys() & set(eval(os.environ['ASKED']))))"
    asked = {"ASKED": repr(set(variables)), **variables}
    assert run(package, "-c", code, env={**os.environ, **asked})[1].split() == ["SLURM_CONF", "WANDB_API_KEY"]

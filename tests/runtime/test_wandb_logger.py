"""A run in W&B: what a second attempt adds to it, and what becomes of it where W&B does not answer."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmprolong.reporting.results.wandb_files import read_runs
from mmprolong.runtime.wandb_logger import WandbLogger
from mmprolong.settings.execution import Tracking
from tests.wandb_server import KEY, serving

ATTEMPT = """
import sys, time
from pathlib import Path
from mmprolong.settings.execution import Tracking
from mmprolong.runtime.wandb_logger import WandbLogger
root, first, last, end = sys.argv[1:]
logger = WandbLogger("step-1", {}, "step-1", "group", Path(root), Tracking(mode="online"))
for number in range(int(first), int(last)):
    logger.metrics({"loss": number / 8}, number)
if end == "killed":
    print("logged", flush=True)
    time.sleep(60)
logger.finish({"loss": 0.0}, failed=False)
"""


@pytest.mark.parametrize("ready", [lambda run: not run.history, lambda run: len(run.history) == 6])
def test_a_run_that_was_killed_online_is_gone_on_with(tmp_path: Path, ready):
    """Whether what the first attempt logged had reached W&B or not."""
    with serving() as server:
        environment = {**os.environ, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY, "HOME": str(tmp_path)}
        environment |= {"WANDB_RUN_ID": "theirs", "WANDB_NAME": "theirs"}  # as inside a run of somebody else
        words = [sys.executable, "-c", ATTEMPT, str(tmp_path)]
        with subprocess.Popen([*words, "1", "7", "killed"], env=environment, stdout=subprocess.PIPE) as victim:
            assert victim.stdout is not None and victim.stdout.readline() == b"logged\n"
            run = server.runs["lab", "mmprolong", "step-1"]
            while not ready(run):
                time.sleep(0.05)
            victim.send_signal(signal.SIGKILL)
        assert run.state == "running"
        first = max(run.history, default=0)
        subprocess.run([*words, "1" if not first else "4", "11", "finished"], env=environment, check=True, timeout=60)
    assert (run.state, run.display, len(server.runs)) == ("finished", "step-1", 1)
    assert {step: row["loss"] for step, row in run.history.items()} == {step: step / 8 for step in range(1, 11)}


def test_offline_attempts_are_merged_by_the_number_of_the_row(tmp_path: Path):
    for first, last in ((1, 7), (4, 11)):
        logger = WandbLogger("step-1", {}, "step-1", "group", tmp_path, Tracking())
        for number in range(first, last):
            logger.metrics({"loss": number / 8}, number)
        logger.table("scores", iter([{"sample": "s"}]))
        logger.finish({}, failed=False)
        time.sleep(1.1)  # W&B names folders by the second
    rows = read_runs(tmp_path / "wandb")["step-1"].history
    assert [row["loss"] for row in rows] == [number / 8 for number in range(1, 11)]
    assert not (tmp_path / "wandb" / "artifacts").exists()


@pytest.mark.parametrize(
    ("name", "value", "becomes", "reason"),
    [
        ("WANDB_API_KEY", "f" * 40, "continues offline, `mmprolong sync` uploads it", "invalid API key"),
        ("WANDB_API_KEY", "", "continues offline, `mmprolong sync` uploads it", "No API key configured"),
        ("WANDB_BASE_URL", "no address", "is off", "Input should be a valid URL"),
    ],
)
def test_a_step_goes_on_where_wandb_does_not(tmp_path: Path, name: str, value: str, becomes: str, reason: str):
    with serving() as server:
        environment = {
            **os.environ,
            "WANDB_BASE_URL": server.url,
            "WANDB_API_KEY": KEY,
            "HOME": str(tmp_path),
            name: value,
        }
        words = [sys.executable, "-c", ATTEMPT, str(tmp_path), "1", "4", "finished"]
        done = subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
    assert done.returncode == 0, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"W&B: the run of step-1 {becomes}: ") and reason in last
    assert KEY not in done.stderr and "ffff" not in done.stderr
    assert not server.runs
    assert len(list((tmp_path / "wandb").glob("offline-run-*-step-1"))) == (becomes != "is off")


ABANDONED = """
import sys
from pathlib import Path
import psutil
from mmprolong.settings.execution import Tracking
from mmprolong.runtime.wandb_logger import WandbLogger
logger = WandbLogger("step-1", {}, "step-1", "group", Path(sys.argv[1]), Tracking())
processes = psutil.Process().children(recursive=True)
for each in processes:
    each.kill()
psutil.wait_procs(processes)
for number in range(3):
    logger.metrics({"loss": 0.0}, number)
import torch
logger.finish({}, failed=False)
print(len(processes), "killed")
"""


def test_a_step_goes_on_when_the_process_of_wandb_is_killed(tmp_path: Path):
    """As when all processes of a job get a signal: neither a row nor an import that W&B listens to may fail."""
    words = [sys.executable, "-c", ABANDONED, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout in ("1 killed\n", "2 killed\n"), done.stderr

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.run_log import Interrupted
from mmprolong.settings.knobs import Tracking
from mmprolong.store.lease import lease
from mmprolong.store.store import Store

WARNED = """
import os, signal, subprocess, sys, time
from mmprolong.sweep.task import Warnings
warnings = Warnings()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])
print("ready", flush=True)
while not warnings.stopping():
    time.sleep(0.01)
print(sorted(each.name for each in warnings.seen()), child.wait())
"""


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGUSR2])
def test_a_warned_job_and_its_children_live_on(asked: signal.Signals):
    words = [sys.executable, "-c", WARNED]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # the child has begun
        os.killpg(process.pid, asked)
        assert process.stdout.read() == f"['{asked.name}'] 0\n"


def test_a_warned_step_that_waits_for_another_process_gives_way(tmp_path: Path):
    step = Step(id="s-1", stage="score", settings={}, needs={})
    with (
        lease(Store(tmp_path).folder("score", "s-1"), waiting=lambda: None),
        pytest.raises(Interrupted),
    ):
        run_step(Store(tmp_path), step, Tracking(mode="off"), stopping=lambda: True)

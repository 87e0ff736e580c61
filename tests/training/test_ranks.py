"""The training stage in ranks: asked to stop, killed, hung; run again, it ends where one process ends."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from mmprolong.errors import ConfigError, StepFailed
from mmprolong.pipeline.ranks import Place, run_in_ranks
from mmprolong.pipeline.steps import steps_of
from mmprolong.runtime.run_log import Interrupted, never
from mmprolong.runtime.work import World
from mmprolong.settings.data import Component, Mixture
from mmprolong.settings.execution import Training
from mmprolong.settings.knobs import Config, Optimizer, Phase
from mmprolong.settings.stages import TrainingSettings
from mmprolong.store.store import SCRATCH, Store
from mmprolong.training import stage
from mmprolong.training.engines.deepspeed import DeepSpeed
from mmprolong.training.engines.single import Single
from tests.tiny_run import OFF, finish, folder_of, step_of, tiny_config
from tests.working import work_in

ROLE = "training.longpt"


def config(folder: Path, **training: Any) -> Config:
    mixture = Mixture(tokens=10240, sequence_length=256, components={"long": Component(source="long", repeats=0)})
    phase = Phase(mixture=mixture, optimizer=Optimizer(tokens_per_update=512))
    suite = tiny_config(folder).suite
    suite.subject = "longpt"
    return tiny_config(folder, phases={"longpt": phase}, suite=suite, training=Training(**training))


def in_ranks(one: Config, stopping=never) -> None:
    step, store = step_of(one, ROLE), Store(Path(one.paths.store))
    run_in_ranks(store, step, OFF, "", stopping, Place(processes=2))


def losses(one: Config) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder_of(one, ROLE) / "log.jsonl").read_text().splitlines()]


def newest(one: Config) -> str:
    folder = folder_of(one, ROLE) / SCRATCH / "snapshots"
    return max((path.name for path in folder.glob("[0-9]*[0-9]")), default="")


def kill_one_rank(one: Config, after: str) -> None:
    """Wait for a newer snapshot, then kill the process of rank 1."""
    while newest(one) <= after:
        time.sleep(0.05)
    ranks = [each for each in psutil.Process().children(recursive=True) if "mmprolong.pipeline.ranks" in each.cmdline()]
    victims = [each for each in ranks if each.environ().get("RANK") == "1"]
    os.kill(victims[0].pid, signal.SIGKILL)


def test_stopped_and_killed_it_ends_where_one_process_ends(tmp_path: Path):
    alone = config(tmp_path / "alone")
    record = finish(alone, ROLE)
    one = config(tmp_path, engine={"name": "deepspeed", "sequence": 2}, checkpoint_seconds=0.0, workers=1)
    for role, step in steps_of(one).items():
        if step.path in step_of(one, ROLE).needs.values():
            finish(one, role)
    with pytest.raises(Interrupted):
        in_ranks(one, lambda: bool(newest(one)))
    killing = threading.Thread(target=kill_one_rank, args=(one, newest(one)))
    killing.start()
    with pytest.raises(StepFailed, match="rank 1: "):
        in_ranks(one)
    killing.join()
    in_ranks(config(tmp_path, engine={"name": "deepspeed", "sequence": 2}))
    found = Store(Path(one.paths.store)).record("training", step_of(one, ROLE).id)
    assert found is not None
    assert found.metrics == record.metrics
    ours, theirs = losses(one), losses(alone)
    assert len(ours) == len(theirs) > 10
    assert ours == pytest.approx(theirs, rel=1e-2)  # rounding decides signs of tiny gradients, which Adam makes large


def test_one_process_refuses_company():
    with pytest.raises(ConfigError, match="'single' trains in one process, not in 2"):
        Single().join(World(0, 2))


def test_gpus_that_are_asked_for_must_be_there(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"gpus: 999, but torch .* finds \d+ on .*; install a torch for CUDA or set"):
        stage.run(TrainingSettings(gpus=999), work_in(tmp_path))


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        (DeepSpeed(sequence=2), "2 processes share a pack, which does not divide 3 processes"),
        (DeepSpeed(settings={"train_batch_size": 4}), "settings.train_batch_size: not taken from here"),
        (DeepSpeed(settings={"sequence_parallel_size": 2}), "settings.sequence_parallel_size: not taken from here"),
        (
            DeepSpeed(settings={"zero_optimisation": {}}),
            "settings.zero_optimisation: not .*; allowed: aio, ",
        ),
        (DeepSpeed(settings={"zero_optimization": {"stage": 1}}), "settings.zero_optimization.stage: not taken"),
        (DeepSpeed(settings={"zero_optimization": {"bucket": 1}}), "zero_optimization.bucket: 1; Extra inputs are not"),
        (
            DeepSpeed(settings={"zero_optimization": {"reduce_bucket_size": "large"}}),
            "zero_optimization.reduce_bucket_size: 'large'; Input should be a valid integer",
        ),
        (DeepSpeed(offload_activations=True), "offload_activations: true without recompute"),
        (DeepSpeed(offload="weights"), "'weights' with zero 2; only zero 3 shards them"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(engine: DeepSpeed, says: str):
    with pytest.raises(ConfigError, match=says):
        engine.join(World(0, 3))


HANGING = """
import sys, time
from pathlib import Path
from mmprolong.training.watchdog import Watchdog
sign, seconds, place = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
dog = Watchdog(seconds, (sign.parents[1] / sign.name).write_text, sign)
dog.at(place)
time.sleep(60)
"""


def start(sign: Path, seconds: float, place: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", HANGING, str(sign), str(seconds), place]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


def test_a_process_that_hangs_is_ended_and_names_the_one_that_it_waits_for(tmp_path: Path):
    signs = tmp_path / "signs"
    frozen = start(signs / "rank 1", 8, "update 2, saving")
    while not (signs / "rank 1").exists() or not (signs / "rank 1").read_text():
        time.sleep(0.05)
    frozen.send_signal(signal.SIGSTOP)
    waiting = start(signs / "rank 0", 1.0, "update 3, batch 1 of 4, computing")
    stacks = waiting.communicate(timeout=50)[1]
    frozen.kill()
    frozen.communicate()
    assert waiting.returncode == 1
    said = (tmp_path / "rank 0").read_text()
    assert "in update 3, batch 1 of 4, computing; rank 1 gives no sign, last in update 2, saving; its stacks" in said
    assert 'File "<string>", line 8 in <module>' in stacks

"""A sweep with something wrong in it."""

import os
from pathlib import Path

import pytest

from tests.flow.results import copied
from tests.small import ONE_WORKER, command, run
from tests.wandb_server import serving

pytestmark = pytest.mark.xdist_group("flow")


def test_a_sweep_with_a_wrong_key_says_so_before_anything_starts(pool: Path, tmp_path: Path):
    with serving() as server:
        environment = {**os.environ, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": "f" * 40, "HOME": str(tmp_path)}
        done = run(command(tmp_path / "store", pool, "tracking=online"), env=environment)
    assert done.returncode == 1
    assert done.stderr.startswith("error: W&B: ") and "invalid API key" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "store" / "corpus").exists()


def test_one_failed_arm_does_not_stop_the_others(finished, pool: Path, tmp_path: Path):
    store = copied(finished[0], tmp_path / "store")
    narrow = "['length_distribution=long_biased','phases.longpt.mixture.sequence_length=300']"
    done = run([*command(store, pool, "tracking=off", *ONE_WORKER), f"sweep.points.narrow={narrow}"])
    assert done.returncode == 1
    assert "a pack holds 300; raise it" in done.stdout
    assert "2 steps failed" in done.stderr
    assert "pool_native" in done.stdout


def test_a_damaged_record_stops_the_sweep_in_one_line(finished, pool: Path, tmp_path: Path):
    store = copied(finished[0], tmp_path / "store")
    path = next((store / "mixture").glob("*/done.json"))
    path.write_bytes(path.read_bytes()[:100])
    done = run(command(store, pool))
    assert done.returncode == 1
    assert "delete the folder to run the step again" in done.stderr
    assert "Traceback" not in done.stderr

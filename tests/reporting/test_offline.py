"""Results from the files that W&B wrote offline."""

import re
from pathlib import Path
from typing import Any

import pytest

from mmprolong.errors import ArtifactError
from mmprolong.evaluation.score import metrics
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.results.wandb import read_offline
from mmprolong.reporting.results.wandb_files import read_runs
from mmprolong.reporting.statistics.contrasts import estimates
from mmprolong.reporting.statistics.intervals import Estimate
from tests.offline import mirror
from tests.store_inputs import LENGTHS
from tests.stores import Truth, write_store

SMALL: dict[str, Any] = {"documents": 4, "questions": 2, "seeds": 2}


def shown(runs: Runs) -> dict[str, Estimate]:
    return estimates(runs, runs.average)


def test_offline_wandb_files_give_the_same_arms_as_the_store(tmp_path: Path):
    truth = Truth(levels={"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}, wandb=True, **SMALL)
    store = write_store(tmp_path, truth)
    assert shown(read_offline(store, "length_dist")) == shown(read_store(store, "length_dist"))


def test_a_run_that_logged_no_questions_is_missing(tmp_path: Path):
    truth = Truth(levels={"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}, **SMALL)
    store = write_store(tmp_path, truth)
    for step, scores in read_store(store, "length_dist").results.items():
        mirror(store, "length_dist", step, metrics(scores, LENGTHS), scores if "uniform" in step else [])
    runs = read_offline(store, "length_dist")
    assert len(runs.of("uniform")) == 2 and [point.label for point in runs.missing] == ["pool_native"] * 2


def test_a_torn_wandb_file_is_read_up_to_the_tear(tmp_path: Path):
    truth = Truth(levels={"pool_native": (0.9, 0.1)}, documents=60, seeds=1, wandb=True)
    store = write_store(tmp_path, truth)
    path = next((store / "wandb").glob("offline-run-*/run-*.wandb"))
    whole = read_runs(store / "wandb")["score-pool_native-s0"].history
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    torn = read_runs(store / "wandb")["score-pool_native-s0"].history
    assert len(whole) == 1200 and 0 < len(torn) < 1200 and torn == whole[: len(torn)]
    assert read_offline(store, "length_dist").results == {}


def test_a_requeued_run_counts_each_step_once(tmp_path: Path):
    truth = Truth(levels={"pool_native": (0.9, 0.1)}, wandb=True, documents=4, questions=2, seeds=1)
    store = write_store(tmp_path, truth)
    folder = next((store / "wandb").glob("offline-run-*"))
    again = folder.with_name(re.sub(r"\d{8}_\d{6}", "20990101_000000", folder.name))
    again.mkdir()
    for file in folder.glob("*.wandb"):
        (again / file.name).write_bytes(file.read_bytes())
    assert len(read_runs(store / "wandb")["score-pool_native-s0"].history) == 40


def test_a_file_that_is_not_of_wandb_is_refused(tmp_path: Path):
    (tmp_path / "offline-run-1-x").mkdir()
    (tmp_path / "offline-run-1-x" / "run-x.wandb").write_bytes(b"PK\x03\x04 and more")
    with pytest.raises(ArtifactError, match="expected an offline file of W&B"):
        read_runs(tmp_path)

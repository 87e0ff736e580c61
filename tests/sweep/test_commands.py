"""The command that mends a failure."""

import shlex
from pathlib import Path

import pytest

from mmprolong.cli.parser import parse
from mmprolong.config.compose import Composer
from mmprolong.runtime.failures import ADVICE
from mmprolong.settings.knobs import Cluster
from mmprolong.store.store import Store
from mmprolong.sweep.commands import again, sweep_command
from tests.sweep.scenes import sweep


@pytest.mark.parametrize("kind", ADVICE)
@pytest.mark.parametrize("cluster", ["slurm_h100", "local"])
def test_what_mends_a_failure_is_a_command_of_ours(tmp_path, kind: str, cluster: str):
    config = Composer().compose([f"cluster={cluster}"])
    plan = sweep(
        ("b",), 1, config.cluster, ablation="length_dist", overrides=("+ablation=length_dist", "corpus.path=my pool")
    )
    program, *words = shlex.split(again(Store(tmp_path), plan, "training", kind))
    arguments = parse(words if program == "mmprolong" else ["sweep", *words[2:]])
    assert Composer().compose([f"cluster={cluster}", *arguments.overrides])


def test_a_job_that_ran_out_of_something_asks_for_twice_as_much(tmp_path):
    plan = sweep(("b",), 1, Composer().compose(["cluster=slurm_h100"]).cluster)
    assert "cluster.jobs.training.minutes=2880" in again(Store(tmp_path), plan, "training", "time")
    assert "cluster.jobs.score.memory=256" in again(Store(tmp_path), plan, "score", "memory")
    assert "cluster.jobs" not in again(Store(tmp_path), plan, "score", "node")
    plan = sweep(("b",), 1, Cluster(launcher="slurm"))
    assert again(Store(tmp_path), plan, "score", "memory") == f"mmprolong retry a --store {tmp_path}"


@pytest.mark.parametrize("place", ["my store", "it's", "ü(1),&#", "2024", "null", "a\\", "a\\'b"])
def test_a_store_may_be_called_anything(place: str):
    plan = sweep(("b",), 1, Cluster(), overrides=("+ablation=rope_base",))
    *_, override = shlex.split(sweep_command(plan, Path(place)))
    assert Composer().compose([override]).paths.store == place

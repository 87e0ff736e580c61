"""The command that mends a failure."""

import importlib
import shlex
from pathlib import Path
from typing import Any

import pytest

from mmprolong.cli import commands
from mmprolong.config.compose import Composer
from mmprolong.errors import InvalidSettings
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import ADVICE
from mmprolong.settings.execution import Cluster, Job
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store
from mmprolong.sweep.commands import recovery_command, sweep_command
from mmprolong.sweep.resources import check_jobs, job_of
from tests.sweep.scenes import sweep


def step(stage: str, **settings: Any) -> Step:
    return Step(id="a", stage=stage, settings=settings, needs={})


@pytest.mark.parametrize("kind", ADVICE)
@pytest.mark.parametrize("cluster", ["slurm_h100", "local"])
def test_what_mends_a_failure_is_a_command_of_ours(tmp_path, kind: str, cluster: str):
    config = Composer().compose([f"cluster={cluster}"])
    plan = sweep(
        ("b",), 1, config.cluster, ablation="length_dist", overrides=("+ablation=length_dist", "corpus.path=my pool")
    )
    program, *words = shlex.split(recovery_command(Store(tmp_path), plan, kind))
    name, *typed = words if program == "mmprolong" else ["sweep", *words[2:]]
    with commands.commands[name].make_context(name, typed) as context:
        assert Composer().compose([f"cluster={cluster}", *context.params["overrides"]])


@pytest.mark.parametrize("place", ["my store", "it's", "ü(1),&#", "2024", "null", "a\\", "a\\'b"])
def test_a_store_may_be_called_anything(place: str):
    plan = sweep(("b",), 1, Cluster(), overrides=("+ablation=rope_base",))
    *_, override = shlex.split(sweep_command(plan, Path(place)))
    assert Composer().compose([override]).paths.store == place


def test_what_a_step_asks_for_goes_by_its_plug_in_then_its_stage():
    jobs = {"default": Job(cpus=1), "reply": Job(cpus=2), "reply.vllm": Job(cpus=3), "synthesis.llm": Job(cpus=4)}
    cluster = Cluster(jobs=jobs)
    found = [step("reply", engine="vllm"), step("reply", engine="transformers"), step("score", scorer="exact_match")]
    found.append(step("synthesis", source={"writer": "llm"}))
    assert [job_of(cluster, each).cpus for each in found] == [3, 2, 1, 4]


@pytest.mark.parametrize(
    ("stage", "job", "key"),
    [("mixture", Job(nodes=2), "nodes"), ("reply", Job(ranks=2), "ranks"), ("score", Job(parts=2), "parts")],
)
def test_what_a_stage_cannot_use_is_refused(stage: str, job: Job, key: str):
    with pytest.raises(InvalidSettings, match=rf"cluster\.jobs\.{stage}\.{key}: 2"):
        check_jobs(Cluster(jobs={stage: job}), [step(stage)])
    check_jobs(Cluster(jobs={"default": Job(parts=8), "training": Job(gpus=1)}), [step("training"), step("reply")])


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_shared_in_the_way_that_its_module_can_be(stage: str):
    module = importlib.import_module(STAGES[stage].module)
    assert hasattr(module, "run_part") == (STAGES[stage].way == "parts")

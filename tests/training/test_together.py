"""Training in processes equals training in one: loss, gradient and weights, whatever is shared how."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.models.tiny import write_model

PROXY = {"kind": "proxy"}
ALONE = {
    "proxy": PROXY,
    "frozen": {**PROXY, "frozen": ["vision"], "rate_shares": {"projector": 0.1}},
    "qwen2_5_vl": {"kind": "qwen2_5_vl"},
    "qwen3_vl": {"kind": "qwen3_vl"},
    "half": {**PROXY, "dtype": "bfloat16", "peak_lr": 1e-4},
    "begun": {**PROXY, "stop": True},
}


def engine(**options: Any) -> dict[str, Any]:
    return {"engine": {"name": "deepspeed", **options}}


ONE = {"proxy/zero 2, by itself": PROXY | engine(zero=2)}
TWO = {
    "proxy/zero 1": PROXY | engine(zero=1),
    "proxy/zero 3, weights offloaded, recomputed": PROXY | engine(zero=3, offload="weights", recompute=True),
    "frozen/zero 3, shared packs": ALONE["frozen"] | engine(zero=3, sequence=2),
    "qwen2_5_vl/zero 3, shared packs": ALONE["qwen2_5_vl"] | engine(zero=3, sequence=2, recompute=True),
    "qwen3_vl/zero 2, shared packs": ALONE["qwen3_vl"] | engine(zero=2, sequence=2),
    "half/zero 2": ALONE["half"] | engine(zero=2),
    "half/zero 3, shared packs": ALONE["half"] | engine(zero=3, sequence=2),
}
FOUR = {
    "proxy/zero 2, two replicas of two": PROXY | engine(zero=2, sequence=2),
    "proxy/zero 3, one replica of four": PROXY | engine(zero=3, sequence=4),
    "begun/zero 3": {**PROXY, "stop": True} | engine(zero=3, sequence=2),
}
RESUMED_BY_ONE = {"begun/zero 3": {"engine": "single", **PROXY}}
RESUMED_BY_TWO = {"begun": PROXY | engine(zero=2, sequence=2)}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    for kind in ("qwen2_5_vl", "qwen3_vl"):
        write_model(kind, folder / "models" / kind)
    alone = {name: {"engine": "single", **settings} for name, settings in ALONE.items()}
    runs = [(4, FOUR), (1, alone | ONE | RESUMED_BY_ONE), (2, TWO | RESUMED_BY_TWO)]
    command = [sys.executable, "-m", "tests.training.together", str(folder), json.dumps(runs)]
    places = {"MODELS": str(folder / "models"), "TORCH_EXTENSIONS_DIR": str(folder / "compiled")}
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | places
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rank-0" / "log.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, Any]:
    files = (folder / "model").glob("*.safetensors")
    return {name: tensor for path in files for name, tensor in load_file(path).items()}


def assert_equal(found: Path, expected: Path, tolerance: float) -> None:
    ours, theirs = lines(found), lines(expected)
    assert len(ours) == len(theirs) == 3
    for line, other in zip(ours, theirs, strict=True):
        for name in ("loss", "grad_norm"):
            assert math.isclose(line[name], other[name], rel_tol=tolerance), (name, line[name], other[name])
        assert (line["tokens"], line["supervised"]) == (other["tokens"], other["supervised"])
    ours, theirs = weights(found), weights(expected)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert tensor.dtype == theirs[name].dtype, name
        difference = (tensor.float() - theirs[name].float()).norm()
        assert float(difference) <= tolerance * float(theirs[name].float().norm()), name


@pytest.mark.parametrize("name", [name for name in (*ONE, *TWO, *FOUR) if not name.startswith("begun")])
def test_processes_compute_what_one_does(results: Path, name: str):
    kind = name.partition("/")[0]
    assert_equal(results / name, results / kind, 2e-2 if kind == "half" else 1e-4)


@pytest.mark.parametrize("name", [*RESUMED_BY_ONE, *RESUMED_BY_TWO])
def test_another_number_of_processes_and_another_engine_continue(results: Path, name: str):
    assert_equal(results / name, results / "proxy", 1e-4)


def test_nothing_is_compiled(results: Path):
    """A build that is killed leaves a lock behind, for which every later run would wait."""
    assert not (results / "compiled").exists()


def test_processes_that_found_different_checkpoints_are_all_told(results: Path):
    told = {path.name: path.read_text() for path in results.glob("told-*-of-4")}
    says = "updates of the newest checkpoint: [7, 8, 9, 10] on ranks 0 to 3; do all nodes see the same store?"
    assert told == {f"told-{rank}-of-4": says for rank in range(4)}

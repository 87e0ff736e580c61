"""The block of an ablation file: which arms it stands for, and how it is refused."""

from pathlib import Path

import pytest
import yaml

from mmprolong.config.groups import ablations, config_dir
from mmprolong.errors import ConfigError
from mmprolong.sweep.ablation import Ablation, read_ablation
from tests.own import write

FILE = "sweeps/ablation/mine.yaml"
BLOCK = {
    "name": "mine",
    "question": "?",
    "source": "s",
    "table": "length_dist",
    "baseline": "a",
    "points": {"a": ["length_distribution=uniform"], "b": ["length_distribution=pool_native"]},
}
AXES = [{"x": ["rope=base_x1"], "y": ["rope=base_x2"]}, {"1": ["tasks=0_10"], "2": ["tasks=10_0"]}]


def read(folder: Path, block: object, *overrides: str) -> Ablation:
    text = f"# Mine.\n# @package _global_\n{yaml.safe_dump({'sweep': block}, sort_keys=False)}"
    with config_dir(str(write(folder, {FILE: text}))):
        return read_ablation("mine", overrides)


def told(folder: Path, block: object, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, block, *overrides)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("name", ablations())
def test_ours_are_read(name: str):
    ablation = read_ablation(name)
    assert ablation.baseline in ablation.arms


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"baseline": "c"}, f"{FILE}: sweep.baseline: 'c' is no label; allowed: a, b"),
        ({"seeds": [1, 1]}, "sweep.seeds: [1, 1]; name each once"),
        ({"seeds": []}, "sweep.seeds: []; List should have at least 1 item"),
        ({"seeds": [-1]}, "sweep.seeds.0: -1; should be greater than or equal to 0"),
        ({"seeds": ["x"]}, "sweep.seeds.0: 'x'; should be a valid integer"),
        ({"points": {"a": []}}, f"{FILE}: sweep.points.a: []; List should have at least 1 item"),
        ({"points": {}}, "sweep: no points and no grid; name at least one arm"),
        (
            {"points": {"a": ["rope=base_x1"], 82: ["tasks=8_2"]}},
            "sweep.points: the name 82 is no text; put it in quotes",
        ),
        ({"points": {"a": "rope=base_x1"}}, "sweep.points.a: 'rope=base_x1'; should be a valid array"),
        ({"points": {"a": [3]}}, "sweep.points.a.0: 3; should be a valid string"),
        ({"points": {"a": ["rope=base_x1", "seed=9"]}}, "sweep.points.a: 'seed=9'; name seeds in sweep.seeds"),
        ({"points": {"a": ["cluster=slurm_cpu"]}}, "sweep.points.a: 'cluster=slurm_cpu'; a sweep has one: set it when"),
        ({"grid": [{"c": ["paths.store=x"]}]}, "sweep.grid.0.c: 'paths.store=x'; a sweep has one"),
        ({"grid": {"rope": ["rope=base_x1"]}}, "sweep.grid: {'rope': ['rope=base_x1']}; should be a valid array"),
        ({"points": {"a": ["a=1"], "x / 1": ["a=1"]}, "grid": AXES}, "two arms are called 'x / 1'"),
        ({"basline": "a"}, "sweep.basline: unknown; did you mean 'baseline'?"),
        ({"table": "length_dst"}, "did you mean 'length_dist'?"),
        ({"published": "mmprolong_rope_bas.csv"}, "did you mean 'mmprolong_rope_base.csv'?"),
        ({"name": "other"}, "sweep.name: 'other'; call it 'mine', as its file"),
    ],
)
def test_a_wrong_block_is_one_line(tmp_path: Path, change: dict, says: str):
    said = told(tmp_path, {**BLOCK, **change})
    assert says in said and "\n" not in said


def test_all_that_is_wrong_with_a_block_is_said_at_once(tmp_path: Path):
    said = told(tmp_path, {**BLOCK, "seeds": [0, 0], "baseline": "c"}, "sweep.table=x")
    assert [line.split(": ")[1] for line in said.splitlines()] == ["sweep.baseline", "sweep.seeds", "sweep.table"]


def test_a_key_that_is_missing_is_named(tmp_path: Path):
    assert "sweep.question: missing; give a value" in told(tmp_path, {key: BLOCK[key] for key in ("name", "points")})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# @package _global_\nsweep: [", ":2: expected the node content, but found '<stream end>'; mend the YAML"),
        ("# @package _global_\nrope: 3\n", ": no block `sweep:`; give one with name, question,"),
    ],
)
def test_a_file_without_a_block_is_one_line(tmp_path: Path, text: str, says: str):
    with config_dir(str(write(tmp_path, {FILE: text}))), pytest.raises(ConfigError) as caught:
        read_ablation("mine")
    assert f"{FILE}{says}" in str(caught.value) and "\n" not in str(caught.value)


def test_a_grid_is_every_combination(tmp_path: Path):
    arms = read(tmp_path, {**BLOCK, "points": {}, "grid": AXES, "baseline": "x / 1"}).arms
    assert list(arms) == ["x / 1", "x / 2", "y / 1", "y / 2"]
    assert arms["y / 2"] == ["rope=base_x2", "tasks=10_0"]


def test_overrides_change_the_block(tmp_path: Path):
    words = [
        "sweep.seeds=[3,4]",
        "~sweep.points.b",
        "+sweep.points.c=['rope=base_x1']",
        "sweep.baseline=c",
        "view.dpi=1",
    ]
    ablation = read(tmp_path, BLOCK, *words)
    assert (ablation.seeds, list(ablation.arms), ablation.baseline) == ([3, 4], ["a", "c"], "c")
    assert "override 'sweep.baseline=z': sweep.baseline: 'z' is no label" in told(tmp_path, BLOCK, "sweep.baseline=z")

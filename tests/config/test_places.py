"""An error names what set the value that is wrong: an override, or a file."""

from pathlib import Path

import pytest

from mmprolong.config.compose import Composer
from mmprolong.config.groups import config_dir
from mmprolong.errors import ConfigError
from tests.own import write

ROPE, MODEL = "conf/rope/mine.yaml", "conf/model/mine.yaml"
HEADER = "# @package phases.longpt.rope\n"


def told(folder: Path, files: dict[str, str], *overrides: str) -> list[str]:
    """The lines in which a configuration with a user's own files is refused; paths are those below their folder."""
    with config_dir(str(write(folder, files))), pytest.raises(ConfigError) as caught:
        Composer().compose(overrides)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_of_overrides_the_last_is_named_before_any_file(tmp_path: Path):
    files = {ROPE: f"{HEADER}factor: -4\n"}
    assert told(tmp_path, files, "rope=mine")[0].startswith(f"{ROPE}: phases.longpt.rope.factor: -4; ")
    typed = ["phases.longpt.rope.factor=-1", "phases.longpt.rope={factor: -2}"]
    assert told(tmp_path, files, "rope=mine", *typed)[0].startswith(f"override {typed[1]!r}: phases.longpt.rope.factor")


def test_of_files_the_last_is_named_wherever_it_puts_its_values(tmp_path: Path):
    files = {
        "conf/model/first.yaml": "# @package _global_\ndefaults: [proxy, _self_]\nmodel:\n  seed: -1\n  dtype: f33\n",
        MODEL: "# @package _global_\ndefaults: [first, _self_]\nmodel: {seed: -2}\nsources:\n  long:\n    lengths:\n"
        "    - {name: 2x, pages: [8, 16]}\n    - name: 4x\n      pages: [16, x]\n",
        "conf/synthesis/mine.yaml": "# @package sources\ndefaults: [stamps, _self_]\nshort: {documents: -5}\n",
    }
    lines = told(tmp_path, files, "synthesis=stamps", "model=mine", "sources.long.tasks=3")
    assert {line.partition(";")[0] for line in lines} == {
        f"{MODEL}: model.seed: -2",
        "conf/model/first.yaml: model.dtype: 'f33'",
        "override 'sources.long.tasks=3': sources.long.tasks: 3",
    }
    (line,) = told(tmp_path, files, "synthesis=mine")
    assert line.startswith("conf/synthesis/mine.yaml: sources.short.documents: -5;")


def test_the_file_of_an_ablation_sets_values_too(tmp_path: Path):
    text = "# @package _global_\ndefaults: [{override /rope: mine}]\nsweep: {}\nview:\n  dpi: 0\n"
    files = {"sweeps/ablation/mine.yaml": text, ROPE: f"{HEADER}factor: -4\n"}
    first, second = told(tmp_path, files, "+ablation=mine")
    assert first.startswith("sweeps/ablation/mine.yaml: view.dpi: 0;")
    assert second.startswith(f"{ROPE}: phases.longpt.rope.factor: -4;")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        (ROPE, f"{HEADER}factr: 1", f"{ROPE}: phases.longpt.rope.factr: unknown; did you mean 'factor'?"),
        (ROPE, f"{HEADER}factor: [1\nx: 2", f"{ROPE}:3: expected ',' or ']', but got ':'; mend the YAML"),
        (ROPE, f"{HEADER}\tfactor: 1", f"{ROPE}:2: found character '\\t' that cannot start any token"),
        (ROPE, f"{HEADER}factor: 1\nfactor: 2", f"{ROPE}:3: found duplicate key factor"),
        (
            ROPE,
            "factor: 1",
            "rope: no block of settings; choose rope=NAME: base_x1, base_x2, base_x4, base_x8, mine, ntk_x4, yarn_x4;",
        ),
        (ROPE, "3", "a file of conf: Invalid loaded object type: int"),
        (MODEL, "# @package _global_\ndefaults: [prox, _self_]", f"{MODEL}: 'prox' is unknown; did you mean 'proxy'?"),
        (MODEL, "defaults: [override /rope: base_x9]", f"{MODEL}: Could not override 'rope"),
    ],
)
def test_a_file_that_cannot_be_composed_is_named(tmp_path: Path, file: str, text: str, says: str):
    with pytest.raises(ConfigError) as caught, config_dir(str(write(tmp_path, {file: text}))):
        Composer().compose([f"{Path(file).parent.name}=mine"])
    assert says in str(caught.value).replace(f"{tmp_path}/", "") and "\n" not in str(caught.value)

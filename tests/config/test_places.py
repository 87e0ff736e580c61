"""An error names the override that set the value that is wrong, and the file that cannot be read."""

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


def test_of_overrides_the_last_is_named(tmp_path: Path):
    files = {ROPE: f"{HEADER}factor: -4\n"}
    assert told(tmp_path, files, "rope=mine")[0].startswith("phases.longpt.rope.factor: -4; ")
    typed = ["phases.longpt.rope.factor=-1", "phases.longpt.rope={factor: -2}"]
    assert told(tmp_path, files, "rope=mine", *typed)[0].startswith(f"override {typed[1]!r}: phases.longpt.rope.factor")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        (ROPE, f"{HEADER}factr: 1", "phases.longpt.rope.factr: unknown; did you mean 'factor'?"),
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
        (ROPE, f"\ufeff{HEADER}factor: 1", f"{ROPE}: begins with a byte-order mark; save it as UTF-8 without one"),
    ],
)
def test_a_file_that_cannot_be_composed_is_named(tmp_path: Path, file: str, text: str, says: str):
    with pytest.raises(ConfigError) as caught, config_dir(str(write(tmp_path, {file: text}))):
        Composer().compose([f"{Path(file).parent.name}=mine"])
    assert says in str(caught.value).replace(f"{tmp_path}/", "") and "\n" not in str(caught.value)

"""Words that a shell completes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from mmprolong.cli import commands
from mmprolong.pipeline.plan import save_plan
from mmprolong.store.store import Store
from tests.sweep.scenes import sweep

pytestmark = pytest.mark.xdist_group("cli")


def completed(*words: str) -> list[str]:
    *before, begun = words
    shell = ShellComplete(commands, {}, "mmprolong", "_MMPROLONG_COMPLETE")
    return [item.value for item in shell.get_completions(before, begun)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["sta"], ["status"]),
        (["sweep", "+ablation=le"], ["+ablation=length_dist"]),
        (["sweep", "view.dpi", "=", "72", "+ablation", "=", "le"], ["length_dist"]),
        (["mixture", "tasks=8"], ["tasks=8_2"]),
        (["sweep", "+ablation=rope_base", "--d"], ["--dry-run"]),
        (["rescore", "--sc"], ["--scorer"]),
        (["rescore", "--scorer", "mmlongbench_docqa_r"], ["mmlongbench_docqa_rule"]),
    ],
)
def test_words_are_completed(words: list[str], found: list[str]):
    assert completed(*words) == found


def test_launched_ablations_are_completed(tmp_path: Path):
    save_plan(Store(tmp_path), sweep(("b",), 1))
    assert completed("status", "--store", str(tmp_path), "") == ["a"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_an_ablation(tmp_path: Path):
    save_plan(Store(tmp_path), sweep(("b",), 1, ablation="rope_fine"))
    words = ["mmprolong", "status", "--store", str(tmp_path), "rope"]
    ask = (
        "source <(_MMPROLONG_COMPLETE=bash_source mmprolong)\n"
        f"COMP_WORDS=({' '.join(words)})\nCOMP_CWORD={len(words) - 1}\n"
        "_mmprolong_completion mmprolong\nprintf '[%s]' \"${COMPREPLY[@]}\""
    )
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "[rope_fine]"

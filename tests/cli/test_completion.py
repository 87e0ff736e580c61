"""Words that a shell completes."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmprolong.cli.completion import SCRIPTS, candidates
from mmprolong.pipeline.plan import save_plan
from mmprolong.store.store import Store
from tests.cli.typed import step_of
from tests.sweep.scenes import sweep

pytestmark = pytest.mark.xdist_group("cli")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["sta"], ["status"]),
        (["sweep", "+ablation=le"], ["+ablation=length_dist"]),
        (["synthesis", "length_d"], ["length_distribution="]),
        (["synthesis", "+abl"], []),
        (["mixture", "tasks=8"], ["tasks=8_2"]),
        (["sweep", "+ablation=rope_base", "--d"], ["--dry-run"]),
        (["corpus", "corpus.pat"], ["corpus.path="]),
        (["rescore", "--sc"], ["--scorer"]),
        (["rescore", "--scorer", "mmlongbench_docqa_r"], ["mmlongbench_docqa_rule"]),
        (["completion", ""], ["bash", "zsh"]),
        (["nonsense", ""], []),
    ],
)
def test_words_are_completed(words: list[str], found: list[str]):
    assert candidates(words) == found


def test_steps_and_points_are_completed(swept: Path):
    store = ["--store", str(swept)]
    assert candidates(["why", *store, "demo"]) == []
    assert candidates(["why", *store, "pdfs"]) == [step_of(swept, "corpus").partition("/")[2]]
    assert candidates(["diff", *store, "length_dist/u"]) == ["length_dist/uniform"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_after_an_equals_sign():
    assert _replies("mmprolong sweep +ablation=le") == "[length_dist ]"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("typed", ["a/", r"a/rope\ x1"])
def test_bash_completes_a_label_of_several_words_as_one(tmp_path: Path, typed: str):
    save_plan(Store(tmp_path), sweep(("rope x1 / LongPT",), 1))
    assert _replies(f"mmprolong show --store {tmp_path} {typed}") == r"[a/rope\ x1\ /\ LongPT ]"


def _replies(line: str) -> str:
    """What bash offers for a line, each in brackets."""
    bin_ = Path(sys.executable).parent
    ask = (
        f"{SCRIPTS['bash']}\nCOMP_LINE='{line}' COMP_POINT={len(line)}\n_mmprolong\nprintf '[%s]' \"${{COMPREPLY[@]}}\""
    )
    environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, env=environment, check=True)
    return done.stdout


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("sweep +ablation=le", "+ablation=length_dist"),
        ("show --store . a/", r"a/rope\ x1\ /\ LongPT"),
        (r"show --store . a/rope\ x", r"a/rope\ x1\ /\ LongPT"),
    ],
)
def test_zsh_completes_what_is_typed(tmp_path: Path, typed: str, completed: str):
    save_plan(Store(tmp_path), sweep(("rope x1 / LongPT",), 1))
    script = tmp_path / "completion"
    script.write_text(SCRIPTS["zsh"])
    begin = f"PS1='rea''dy> '; autoload -U compinit; compinit -u -D; source {script}; unsetopt zle_bracketed_paste"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TERM": "dumb"}
    shell, terminal = pty.openpty()
    with subprocess.Popen(
        ["zsh", "-f", "-i"], cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    ) as zsh:
        os.write(shell, f"{begin}\n".encode())
        _read_until(shell, "ready> ")
        os.write(shell, f"mmprolong {typed}\t".encode())
        shown = _read_until(shell, completed[-6:])
        zsh.kill()
    os.close(terminal)
    os.close(shell)
    assert completed in shown


def _read_until(terminal: int, words: str) -> str:
    """What a terminal shows until `words` are there, for at most 20 s."""
    shown, end = "", time.monotonic() + 20
    while words not in shown.replace("\r", "") and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown

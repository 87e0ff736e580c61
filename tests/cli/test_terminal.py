"""What is printed of labels, questions, replies and logs: each as it is, whatever it holds."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong.cli import terminal
from mmprolong.cli.terminal import Terminal, table
from mmprolong.pipeline.plan import save_plan
from mmprolong.records import Reply
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.store import Store
from tests.cli.typed import said, step_of
from tests.small import run
from tests.stores import Truth, rewrite, write_store
from tests.sweep.scenes import sweep

LABELS = ("lr [low]", "lr [high]", "with [/x]", "lr :fire: \\[b]")
QUESTION = "Does [/early] or [late] help?"


@pytest.fixture
def launched(tmp_path: Path) -> str:
    """A store with the plan of a sweep of which nothing has run."""
    save_plan(Store(tmp_path), sweep(LABELS, 1, question=QUESTION))
    return str(tmp_path)


def test_status_shows_labels_and_the_question_as_they_are(capsys, launched: str):
    shown = said(capsys, "status", "a", "--store", launched)
    assert all(label in shown for label in (*LABELS, QUESTION))


def test_diff_tells_points_apart_whose_labels_differ_in_brackets(capsys, launched: str):
    shown = said(capsys, "diff", "a/lr [low]", "a/lr [high]", "--store", launched)
    assert "a/lr [low]/s0" in shown and "a/lr [high]/s0" in shown


def test_a_plan_shows_its_question_as_it_is(capsys, tmp_path: Path):
    words = ["+ablation=rope_base", f"sweep.question='{QUESTION}'", f"paths.store={tmp_path}", "--dry-run"]
    assert f"rope_base: {QUESTION}" in said(capsys, "sweep", *words)


def test_a_table_shows_any_text(capsys):
    Terminal().print(table("of [/a]", ("file", "why [b]"), [("[/x].pdf", "\x1b[31mred")], text=("why [b]",)))
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("of [/a]", "why [b]", "[/x].pdf", "␛[31mred"))


def test_a_reply_is_shown_and_not_obeyed(capsys, tmp_path: Path):
    store = write_store(
        tmp_path, Truth(levels={"base": (0.9, 0.1), "a": (0.9, 0.1)}, baseline="a", documents=1, seeds=1)
    )
    reply = step_of(store, "reply")
    path = store / reply / "replies.jsonl"
    text = "\x1b]0;title\x07 \x1b[2J[bold]7\x9b1m\r\x08\n"
    write_jsonl(path, [replace(one, text=text) for one in read_jsonl(path, Reply)])
    rewrite(store, reply, needs={"samples": step_of(store, "samples")})
    shown = said(capsys, "show", reply, "-n", "1", "--store", str(store))
    assert "␛]0;title␇ ␛[2J[bold]7�1m␍␈" in shown
    assert not set(shown) & {"\x1b", "\x07", "\x9b", "\r", "\x08"}


def test_a_report_shows_every_label_whole(capsys, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("COLUMNS", "80")
    labels = (*LABELS, "长 文", "a\x1b[31mb")
    levels: dict[str, tuple[float, float]] = dict.fromkeys(labels, (0.9, 0.1))
    store = write_store(tmp_path, Truth(levels=levels, baseline=labels[0], documents=2, seeds=1))
    shown = said(capsys, "report", "length_dist", "--store", str(store))
    assert all(shown.count(f" {label} ") >= 3 for label in (*labels[:-1], "a␛[31mb"))


def test_an_error_is_shown_and_not_obeyed(capsys):
    assert "ablation '\\x1b[31m[bold]'" in said(capsys, "status", "\x1b[31m[bold]", code=1)


def test_letters_that_the_encoding_lacks_end_no_command(tmp_path: Path):
    words = [sys.executable, "-m", "mmprolong.cli", "report", "extraction_ratio", "--store", str(tmp_path / "none")]
    done = run(words, env={**os.environ, "PYTHONIOENCODING": "latin-1"}, encoding="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert r" \u22120.43" in done.stdout


@pytest.mark.parametrize("words", ["status --store nowhere", "list"])
def test_a_command_whose_output_is_closed_ends_as_any_other(words: str):
    done = run(["bash", "-c", f"{sys.executable} -m mmprolong.cli {words} >&-"])
    assert (done.returncode, done.stderr) == (0, "")


def test_commands_have_one_kind_of_terminal():
    """Any other would read brackets in a label as markup."""
    own = Path(terminal.__file__)
    assert [path.name for path in own.parent.glob("*.py") if "Console(" in path.read_text() and path != own] == []


def test_no_table_is_cut_in_a_pipe(tmp_path: Path):
    code = "from mmprolong.cli.terminal import *; Terminal().print(table('', ['a'] * 9, [[123456789] * 9]))"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.count("123,456,789") == 9

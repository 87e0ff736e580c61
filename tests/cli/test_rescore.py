import json
from pathlib import Path

import pytest

from tests.cli.typed import said


def test_stored_replies_are_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    line = {"gold": "5", "pred": "5.9", "answer_format": "Int"}
    source, out = tmp_path / "cases.jsonl", tmp_path / "scores.jsonl"
    source.write_text(json.dumps(line) + "\n")
    words = "rescore", "--scorer", "mmlongbench_doc", "--in", str(source), "--out", str(out)
    assert "1 scores in" in said(capsys, *words)
    assert json.loads(out.read_text()) == {**line, "score": 1.0, "malformed": False}


def test_a_bad_line_is_told_in_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = tmp_path / "cases.jsonl"
    source.write_text("{\n")
    words = "rescore", "--scorer", "mmlongbench_doc", "--in", str(source), "--out", str(tmp_path / "scores.jsonl")
    assert f"{source}:1:" in said(capsys, *words, code=1)

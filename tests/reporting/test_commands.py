import json
from pathlib import Path

import pytest

from mmprolong.cli import main
from tests.stores import Truth, write_store


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("launched"), Truth(documents=8, seeds=2))


def said(capsys, *words: str, code: int = 0) -> str:
    assert main(words) == code
    printed = capsys.readouterr()
    return printed.out + printed.err


def test_a_table_of_a_paper_needs_no_store(capsys, monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert "Ours: not run." in said(capsys, "report", "mm_niah")
    assert "begin with python -m mmprolong.sweep +ablation=rope_base" in said(capsys, "report", "rope_base")
    assert not list(tmp_path.iterdir())


def test_tables_are_listed_with_what_was_launched(capsys, launched: Path):
    shown = said(capsys, "report", "--store", str(launched))
    assert "launched" in next(line for line in shown.splitlines() if "length_dist" in line)
    assert "published only" in next(line for line in shown.splitlines() if "mm_niah" in line)


def test_runs_are_shown_in_another_table(capsys, launched: Path):
    shown = said(capsys, "report", "length_dist", "--table", "training_setup", "--store", str(launched))
    assert "65,536 tokens" in shown
    assert (launched / "reports" / "length_dist" / "training_setup.md").is_file()


def test_runs_in_two_other_tables_are_two_files(capsys, launched: Path):
    for name in ("rope_base", "extraction_ratio"):
        assert f"{name}.md" in said(capsys, "report", "length_dist", "--table", name, "--store", str(launched))
    names = {path.name for path in (launched / "reports" / "length_dist").glob("*.md")}
    assert {"rope_base.md", "extraction_ratio.md"} <= names


def test_power_and_claims_are_printed(capsys, launched: Path):
    assert "twice the seeds" in said(capsys, "power", "length_dist", "--store", str(launched))
    shown = said(capsys, "claims", "--store", str(launched))
    assert "By the printed numbers:" in shown
    assert f"python -m mmprolong.sweep +ablation=rope_base paths.store={launched}\n" in shown
    shown = said(capsys, "claims", "balanced_lengths_win", "--store", str(launched))
    assert "our verdict: supported" in shown and "what settles it: mmprolong report length_dist" in shown


@pytest.mark.parametrize("words", [["report"], ["report", "length_dist"], ["report", "mm_niah"], ["claims"]])
def test_what_is_printed_is_there_for_programs(capsys, launched: Path, words: list[str]):
    written = set(launched.rglob("*"))
    content = json.loads(said(capsys, *words, "--store", str(launched), "--json"))
    assert isinstance(content, dict) and content
    assert set(launched.rglob("*")) == written


def test_numbers_of_a_table_are_not_text(capsys, launched: Path):
    rows = json.loads(said(capsys, "report", "length_dist", "--store", str(launched), "--json"))["rows"]
    assert any(isinstance(cell, dict) and {"value", "low", "high"} <= cell.keys() for cell in rows[1].values())
    claim = "balanced_lengths_win"
    (verdict,) = json.loads(said(capsys, "claims", claim, "--store", str(launched), "--json"))["verdicts"].values()
    assert verdict["runs"]["differences"][0]["degrees_of_freedom"] > 0


def test_a_store_without_offline_runs_syncs_nothing(capsys, tmp_path: Path):
    assert "0 of 0 offline runs" in said(capsys, "sync", "--store", str(tmp_path))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report", "mm_nia"], "did you mean 'mm_niah'?"),
        (["report", "length_dist", "--from", "nowhere"], "write offline, ENTITY/PROJECT of W&B, or"),
        (["power", "rope_base"], "begin with python -m mmprolong.sweep +ablation=rope_base"),
        (["claims", "ratio_8_2"], "did you mean 'ratio_8_2_is_best'?"),
    ],
)
def test_a_mistake_is_one_line(capsys, monkeypatch, tmp_path: Path, words: list[str], says: str):
    monkeypatch.chdir(tmp_path)
    shown = said(capsys, *words, code=1)
    assert says in shown and len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "shows"),
    [
        (["report", "length_dist"], "short_biased"),
        (["report", "length_dist", "--table", "training_setup"], "65,536 tokens"),
        (["report", "mm_niah"], "MMProLong"),
        (["claims"], "By the printed numbers"),
    ],
    ids=" ".join,
)
def test_a_table_is_printed_where_its_files_cannot_be_written(capsys, tmp_path: Path, words: list[str], shows: str):
    store = write_store(tmp_path, Truth(documents=4, seeds=1))
    (store / "reports").write_text("in the way")
    assert main([*words, "--store", str(store)]) == 0
    printed = capsys.readouterr()
    assert shows in printed.out
    assert " not written: " in printed.err and f"{store}/reports" in printed.err and printed.err.count("\n") == 1

"""Results of other harnesses, paired item by item."""

import json
import zipfile
from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.errors import ConfigError, DataError, FeasibilityError
from mmprolong.evaluation import harnesses
from mmprolong.evaluation.judged_files import pair, read_judged
from mmprolong.reporting.statistics.intervals import difference
from mmprolong.reporting.statistics.power import smallest_visible
from mmprolong.reporting.statistics.scores import arm_scores, questions_of
from mmprolong.reporting.tables.compared_files import compare_files
from tests.cli.typed import said
from tests.reporting.harnesses import HARNESSES, lm_eval, mmlongbench, own_scores, vlmevalkit, written, written_lines

ITEMS = [str(number) for number in range(40)]
WORSE = {item: float(int(item) % 3 > 0) for item in ITEMS}
BETTER = {item: float(int(item) % 7 > 0) for item in ITEMS}


def test_there_is_a_file_of_every_harness():
    assert set(HARNESSES) == set(harnesses.HARNESSES)


@pytest.mark.parametrize("harness", HARNESSES)
def test_two_runs_of_a_harness_are_paired_by_item_and_clustered_by_document(harness: str, tmp_path: Path):
    write = HARNESSES[harness]
    more = BETTER | {"90": 1.0, "91": 1.0}
    runs = [read_judged(write(tmp_path, "a", WORSE)), read_judged(write(tmp_path, "b", more))]
    assert [run.harness for run in runs] == [harness] * 2
    (found,) = compare_files(runs)
    assert (found.n, found.clusters) == (40, 10)
    assert (found.pairs.only_first, found.pairs.only_second) == (0, 2)
    assert found.difference.value == pytest.approx((sum(BETTER.values()) - sum(WORSE.values())) / 40)
    assert found.means[0].value == pytest.approx(sum(WORSE.values()) / 40)
    assert found.difference.low < found.difference.value < found.difference.high
    assert found.pairs.repeated == (40 if harness == "inspect_ai" else 0)


def test_the_interval_is_that_of_the_tables(tmp_path: Path):
    runs = [read_judged(own_scores(tmp_path, name, values)) for name, values in (("a", WORSE), ("b", BETTER))]
    questions = questions_of(runs[0].scores, {runs[0].scores[0].cell: 1.0})
    expected = difference(*(arm_scores([run.scores], questions) for run in reversed(runs)))
    assert compare_files(runs)[0].difference == expected


@pytest.mark.parametrize("suffix", [".xlsx", ".tsv", ".json"])
def test_every_table_of_vlmevalkit_is_read_and_none_is_an_answer(suffix: str, tmp_path: Path):
    if suffix == ".xlsx":
        pytest.importorskip("openpyxl", reason="openpyxl is not installed: no .xlsx")
    found = read_judged(vlmevalkit(tmp_path, "a", WORSE, suffix))
    assert {score.sample: score.value for score in found.scores} == WORSE
    assert found.scores[0].benchmark == "DocVQA_judge"


def test_other_tables_of_a_folder_are_left_alone(tmp_path: Path):
    path = vlmevalkit(tmp_path, "a", WORSE)
    (path.parent / "empty.csv").write_text("")
    (path.parent / "a_DocVQA_acc.csv").write_text("split,Overall\nnone,0.5\n")
    assert len(read_judged(path.parent).scores) == 40


def test_runs_of_two_harnesses_are_paired_by_question_and_gold_answer(tmp_path: Path):
    found = pair(read_judged(mmlongbench(tmp_path, "a", WORSE)), read_judged(lm_eval(tmp_path, "b", BETTER)))
    assert len(found.first) == 40 and {score.value for score in found.second} == {0.0, 1.0}


def test_an_eval_archive_is_an_inspect_log(tmp_path: Path):
    log = json.loads(HARNESSES["inspect_ai"](tmp_path, "a", WORSE).read_bytes())
    with zipfile.ZipFile(tmp_path / "log.eval", "w") as archive:
        archive.writestr("header.json", json.dumps({"eval": log["eval"]}))
        for sample in log["samples"]:
            archive.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
    assert len(read_judged(tmp_path / "log.eval").scores) == 80


def test_several_comparisons_are_corrected_and_each_sees_less(tmp_path: Path):
    runs = [read_judged(own_scores(tmp_path, str(place), values)) for place, values in enumerate((WORSE, BETTER))]
    (alone,) = compare_files(runs)
    first, second = compare_files([*runs, runs[1]])
    assert first.difference.p == second.difference.p == pytest.approx(min(1.0, 2 * alone.difference.p))
    assert smallest_visible(first.difference, 2) > smallest_visible(alone.difference, 1) > 0


def test_cells_are_compared_when_asked(tmp_path: Path):
    for name, values in (("a", WORSE), ("b", BETTER)):
        mmlongbench(tmp_path, name, values).rename(tmp_path / name / "slidevqa_K128_in131072_size100_.json")
        mmlongbench(tmp_path, name, values)
    found = compare_files([read_judged(tmp_path / "a"), read_judged(tmp_path / "b")], by_cell=True)
    assert [one.cell for one in found] == ["all", "MMLongBench mmlongdoc_K64 64K", "MMLongBench slidevqa_K128 128K"]
    assert [one.n for one in found] == [80, 40, 40]


def test_an_item_without_a_mark_is_counted(tmp_path: Path):
    lines = [json.loads(line) for line in lm_eval(tmp_path, "a", WORSE).read_text().splitlines()]
    lines[3]["acc"], lines[5]["acc"] = None, float("nan")
    path = written_lines(tmp_path / "b" / "samples_docs_2026-11-30T12-00-00.jsonl", lines)
    path.write_text(path.read_text() + "{torn\n")
    found = read_judged(path)
    assert len(found.scores) == 38
    assert [reject.reason for reject in found.rejects] == ["no mark", "no mark", "not a JSON object"]


def test_another_metric_or_field_of_the_document_may_be_named(tmp_path: Path):
    path = lm_eval(tmp_path, "a", WORSE)
    assert {score.value for score in read_judged(path, "f1").scores} == {0.5}
    assert len({score.cluster for score in read_judged(path, cluster="question").scores}) == 40
    with pytest.raises(ConfigError, match=r"no mark 'acc2'; did you mean 'acc'"):
        read_judged(path, "acc2")


def test_marks_that_are_no_shares_are_refused(tmp_path: Path):
    path = lm_eval(tmp_path, "a", {"0": 41.5})
    with pytest.raises(DataError, match=r"acc is 41\.5; choose a metric in \[0, 1\] of acc, f1"):
        read_judged(path)


def test_runs_over_other_questions_are_refused(tmp_path: Path):
    runs = [read_judged(own_scores(tmp_path, item, {item: 1.0})) for item in ("1", "2")]
    with pytest.raises(FeasibilityError, match="no id with its gold answer is in both"):
        compare_files(runs)


@pytest.mark.parametrize("content", ["{}", "[1]", "not JSON", '{"args": 1}'])
def test_a_file_of_no_harness_is_refused_with_those_that_are_known(content: str, tmp_path: Path):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ConfigError, match=r"no judged items; files of these are read: inspect_ai, lm_eval, lmms_eval"):
        read_judged(tmp_path / "x.json")


def test_one_paired_item_has_an_interval_that_says_nothing(tmp_path: Path):
    runs = [read_judged(own_scores(tmp_path, name, {"1": value})) for name, value in (("a", 0.0), ("b", 1.0))]
    (found,) = compare_files(runs)
    assert (found.difference.low, found.difference.high) == (-1, 1) and not found.difference.significant


def test_the_command_prints_a_table_or_json(capsys, tmp_path: Path):
    paths = [str(own_scores(tmp_path, name, values)) for name, values in (("a", WORSE), ("b", BETTER))]
    shown = said(capsys, "compare", *paths)
    assert "smallest visible" in " ".join(shown.split()) and "Holm" in shown
    (row,) = json.loads(said(capsys, "compare", *paths, "--json"))["rows"]
    assert row["n"]["value"] == 40 and {"value", "low", "high"} <= row["difference"].keys()
    assert row["only_first"]["value"] == 0


def test_one_run_alone_is_a_mistake_of_usage(capsys, tmp_path: Path):
    assert main(["compare", str(tmp_path)]) == 2
    assert "give two runs or more" in capsys.readouterr().err


def test_a_row_of_the_official_file_that_is_none_is_counted(tmp_path: Path):
    content = json.loads(mmlongbench(tmp_path, "a", WORSE).read_bytes())
    content["data"][2] = None
    found = read_judged(written(tmp_path / "b.json", content))
    assert len(found.scores) == 39 and found.rejects[0].what.endswith(":3")

import csv
from pathlib import Path

import pytest

from mmprolong import plugins
from mmprolong.config.groups import PUBLISHED, TABLES, files_in
from mmprolong.errors import ConfigError
from mmprolong.evaluation.official import circular, of_answered
from mmprolong.records import Cell, Score
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.tables.metrics import DOCUMENTS, MAXIMA, NEEDLES, columns_by_length, orion
from mmprolong.reporting.tables.paper_tables import paper_table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.render import write_table
from tests.analysis.runs import runs_of
from tests.stores import Truth, write_store

PAPER = Published(files_in(PUBLISHED))
TASKS = [task for place in DOCUMENTS.values() for task in place.tasks]


def build(name: str, runs):
    return plugins.load_file(files_in(TABLES)[name]).build(runs, PAPER)


@pytest.mark.parametrize("name", files_in(TABLES))
def test_a_table_needs_no_runs_and_then_ours_are_dashes(name: str, tmp_path: Path):
    table = paper_table(name)
    numeric = {at: one.key for at, one in enumerate(table.columns) if one.numeric}
    own = [at for at, key in numeric.items() if not key.startswith(("published_", "seeds"))]
    assert table.name == name and "Ours: not run." in table.notes
    assert {row[index].text for row in table.rows for index in own} == {"-"}
    assert [path.name for path in write_table(table, tmp_path / name).values()] == [
        f"{name}.{end}" for end in ("md", "tex", "csv", "html")
    ]


def test_every_published_file_stands_in_a_table():
    """Cell by cell, as printed; the five ablations show means over the paper's tasks and are checked by themselves.

    Rows that the paper calls otherwise in each table have one label of ours.
    """
    shown = {cell.text for name in files_in(TABLES) for row in paper_table(name).rows for cell in row}
    means = {"mmprolong_length_distribution", "mmprolong_rope_base", "mmprolong_vqa_vs_ocr"}
    means |= {"mmprolong_extraction_reasoning_ratio", "mmprolong_short_ratio_long_score"}
    labels = {"MMProLong (7B)", "Qwen3-VL-8B, MM-NIAH", "+ MMProLong recipe, MM-NIAH"}
    for path in files_in(PUBLISHED).values():
        if path.stem not in means:
            with path.open(encoding="utf-8") as file:
                keys = {"train idx", "eval idx"}
                cells = {text for row in csv.DictReader(file) for name, text in row.items() if name not in keys}
            assert cells - labels <= shown, path.stem


def test_our_scores_stand_beside_the_papers_with_intervals_and_a_direction():
    tasks = [task for place in NEEDLES.values() for task in place.tasks]
    runs = runs_of({"MMProLong": 0.8, "Qwen2.5-VL-7B": 0.3}, tasks, ["64K", "128K"], "Qwen2.5-VL-7B")
    table = build("mm_niah", runs)
    ours = table.cell("MMProLong", "mean")
    assert "±" in ours.text and ours.value == pytest.approx(80, abs=8)
    parts = [table.cell("MMProLong", f"{length}_avg").value or 0 for length in ("64K", "128K")]
    assert sum(parts) / 2 == pytest.approx(ours.value)
    assert table.cell("MMProLong", "delta").symbol == " *" and table.cell("MMProLong", "seeds").text == "(2/2)"
    assert table.cell("MMProLong", "published_delta").value == pytest.approx(29.4)
    assert table.cell("Gemma3-4B", "mean").text == table.cell("Gemma3-4B", "seeds").text == "-"


def test_a_suite_that_was_asked_in_part_shows_that_part_alone():
    runs = runs_of({"MMProLong": 0.6}, TASKS, ["64K"], "MMProLong")
    table = build("final_comparison", runs)
    assert table.cell("MMProLong", "64K_avg").value
    assert table.cell("MMProLong", "overall").text == "-"
    assert "128K_avg" not in [column.key for column in table.columns]
    lacking = "128K MMLongBench-Doc, 128K LongDocURL, 128K SlideVQA, 128K avg, overall"
    assert f"Not evaluated: {lacking}. suite=mmprolong does it." in table.notes


def test_an_arm_that_the_paper_does_not_have_is_a_row():
    chances = {"Qwen2.5-VL-7B": 0.4, "ours alone": 0.5}
    runs = runs_of(chances, ["t"], ["24K"], "Qwen2.5-VL-7B", benchmarks=["video_mme"])
    table = build("long_video", runs)
    assert table.rows[-1][0].text == "ours alone"
    assert table.cell("ours alone", "published_Video-MME").text == "-"


def test_the_visual_average_scales_each_benchmark_by_its_best():
    runs = runs_of({"LongPO short": 1.0}, ["t"], ["all"], "LongPO short", seeds=1, benchmarks=list(MAXIMA))
    expected = sum(100 / best for best in MAXIMA.values()) / 5 * 100
    cell = build("orion_stages", runs).cell("LongPO short", "VA")
    assert cell.value == pytest.approx(expected) and cell.text.startswith(f"{expected:.1f}")


def test_a_column_finds_its_cells_by_the_plug_in_and_tasks_in_any_benchmark():
    docqa = [Cell("docqa", task, length) for task in TASKS for length in ("64K", "128K")]
    for chosen in ({"docqa": "mmlongbench_docqa"}, {"docqa": "mmlongbench"}):
        average = {one.column: one.average(docqa, chosen) for one in columns_by_length(DOCUMENTS, ["64K", "128K"])}
        assert average["64K SlideVQA"] == {Cell("docqa", "slidevqa", "64K"): 1.0}
        assert average["overall"] == pytest.approx(dict.fromkeys(docqa, 1 / 6))
    assert orion("VA")[0].average(docqa, {}) == {}
    own = [Cell("slidevqa", "slides", length) for length in ("8p", "16p")]
    (slides,) = orion("SlideVQA")
    assert slides.average([*docqa, *own], {}) == pytest.approx(dict.fromkeys(own, 0.5))


def test_of_two_benchmarks_with_the_same_tasks_one_is_a_column():
    twice = [Cell(name, "slidevqa", "64K") for name in ("official", "all")]
    chosen = dict.fromkeys(("official", "all"), "mmlongbench_docqa")
    assert DOCUMENTS["SlideVQA"].cells(twice, chosen) == twice[:1]


def test_marks_count_as_in_the_papers_harness():
    def score(sample: str, value: float, parsed: str = "A", group: str = "") -> Score:
        where = {"benchmark": "b", "task": "t", "length": "1p", "cluster": sample}
        return Score(sample=sample, **where, target="A", value=value, parsed=parsed, facts={"group": group})

    rotated = circular([score("1", 1, group="g"), score("2", 0, group="g"), score("3", 1, group="h")])
    assert [(one.sample, one.value) for one in rotated] == [("g", 0), ("h", 1)]
    named = of_answered([score("1", 1), score("2", 0), score("3", 1), score("4", 0, parsed="")])
    assert sum(one.value for one in named) / 4 == pytest.approx(2 / 3)
    assert [one.value - 2 / 3 for one in named] == pytest.approx([4 / 9, -8 / 9, 4 / 9, 0])
    assert [one.value for one in of_answered([score("1", 0, parsed="")])] == [0]


def test_data_statistics_count_what_the_packs_hold(tmp_path: Path):
    runs = read_store(write_store(tmp_path, Truth(documents=2, questions=2, seeds=1)), "length_dist")
    table = build("training_data", runs)
    row = next(row for row in table.rows if [cell.text for cell in row[:2]] == ["pool-native", "total"])
    keys = [column.key for column in table.columns]
    assert [row[keys.index(name)].text for name in ("samples", "mean_pages")] == ["1", "20"]
    assert row[keys.index("published_samples")].text == "177774"
    assert build("orion_length_statistics", runs).cell("uniform", "N").text == "1"
    assert build("orion_cpt_budget", runs).cell("reasoning", "longpt_[tokens]").text == "13,002"


def test_a_launched_ablation_is_shown_with_its_runs(tmp_path: Path):
    runs = read_store(write_store(tmp_path, Truth(documents=2, questions=2, seeds=1)), "length_dist")
    assert paper_table("length_dist", runs).cell("uniform", "seeds").text == "(1/1)"
    assert paper_table("training_setup", runs).cell("budget", "value").text == "65,536 tokens"


def test_a_misspelt_table_names_the_nearest():
    with pytest.raises(ConfigError, match="table: 'mm_nia' is unknown; did you mean 'mm_niah'"):
        paper_table("mm_nia")

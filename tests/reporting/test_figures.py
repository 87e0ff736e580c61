import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong.config.groups import FIGURES, files_in
from mmprolong.errors import ConfigError
from mmprolong.evaluation.lengths import size
from mmprolong.plugins import load_file
from mmprolong.records import Cell
from mmprolong.reporting.figures.charts import accuracy_by_length, inline_svg, save
from mmprolong.reporting.figures.heat_map import depth_maps, depth_table, draw_maps
from mmprolong.reporting.report.report import write_report
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.results.training import arm_mixtures
from mmprolong.reporting.statistics.intervals import mean
from mmprolong.reporting.statistics.scores import ArmScores
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.reporting.tables.render import to_csv
from tests.analysis.runs import answered, judged, runs_with
from tests.stores import Truth, write_store


def number(field: ArmScores) -> int:
    return len(field.questions.names)


def test_equal_runs_give_equal_figures(store: Path, tmp_path: Path):
    first, second = (save(accuracy_by_length(read_store(store, "length_dist")), tmp_path / name) for name in "ab")
    assert [path.suffix for path in first] == [".png", ".svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_figure_names_every_arm_and_marks_the_trained_length(store: Path):
    figure = accuracy_by_length(read_store(store, "length_dist"))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["trained up to 8x"]
    named = [text.get_text() for text in figure.legends[0].texts]
    assert named == ["base", "pool_native", "long_biased", "short_biased", "uniform"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1x", "2x", "4x", "8x", "16x"]


def test_the_ids_of_two_inline_figures_are_their_own(store: Path):
    runs = read_store(store, "length_dist")
    svg = inline_svg(accuracy_by_length(runs), "accuracy")
    assert svg.startswith("<svg") and svg != inline_svg(accuracy_by_length(runs), "other")


def test_mixtures_are_shown_for_the_arms_that_have_one(store: Path):
    found = arm_mixtures(store, read_store(store, "length_dist").plan)
    assert [mixture.label for mixture in found] == ["pool_native", "long_biased", "short_biased", "uniform"]
    assert all(set(mixture.tokens) == {"extract_single", "reasoning"} for mixture in found)


@pytest.mark.parametrize(("label", "value"), [("1x", 1), ("16x", 16), ("64K", 65536), ("0.5M", 524288)])
def test_a_length_is_a_number(label: str, value: float):
    assert size(label) == value


def test_a_length_without_unit_is_refused():
    with pytest.raises(ConfigError, match="length 'long': not a length such as '4x'"):
        size("long")


def test_a_heat_map_shows_each_arm_by_length_and_depth(store: Path):
    runs = read_store(store, "length_dist")
    shown = [axes for axes in draw_maps(depth_maps(runs), runs).axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == runs.plan.labels
    found = depth_maps(runs)["base"]
    texts = [text.get_text() for text in shown[0].texts]
    field = found["1x", 0]
    value, low, high = (f"{100 * number:.0f}" for number in (mean(field).value, mean(field).low, mean(field).high))
    assert texts[0] == f"{value}\n{low}–{high}\nn={number(field)}" and len(texts) == 25
    assert sum(map(number, found.values())) == len(runs.of("base")[0].scores)


def test_the_fields_of_a_heat_map_are_data(store: Path):
    maps = depth_maps(read_store(store, "length_dist"))
    lines = list(csv.DictReader(io.StringIO(to_csv(depth_table(maps)))))
    assert len(lines) == sum(map(len, maps.values()))
    field = maps["base"]["1x", 0]
    assert float(lines[0]["score"]) == pytest.approx(100 * mean(field).value, abs=1e-6)
    assert int(lines[0]["n"]) == number(field)
    assert all(float(line["score_low"]) <= float(line["score"]) <= float(line["score_high"]) for line in lines)


def test_needles_are_drawn_for_each_task_of_each_arm(store: Path):
    runs = read_store(store, "length_dist")
    module = load_file(files_in(FIGURES)["mm_niah"], "CAPTION", "draw")
    titles = [axes.get_title() for axes in module.draw(runs).axes if axes.get_visible()]
    assert len(titles) == 2 * len(runs.plan.labels) and "base, reasoning" in titles


def test_depth_is_where_the_evidence_stands_and_only_if_that_is_known():
    cell = Cell("heldout", "reasoning", "1x")
    placed = [replace(judged(cell, "d", str(n), 1.0), facts={"depth": n / 3}) for n in range(4)]
    runs = runs_with({("a", 0): [*placed, judged(cell, "d", "nowhere", 0.0)]}, "a")
    found = depth_maps(runs)["a"]
    assert {place: mean(field).value for place, field in found.items()} == {("1x", part): 1.0 for part in (0, 1, 3, 4)}
    assert {(number(field), mean(field).low, mean(field).high) for field in found.values()} == {(1, 0.0, 1.0)}


def test_lengths_of_several_units_stand_side_by_side():
    chances = {"a": 0.5, "b": 0.8}
    cells = [Cell("heldout", "t", "2x"), Cell("docs", "t", "8p"), Cell("docs", "t", "16p"), Cell("niah", "t", "any")]
    scores = {(label, 0): list(answered(chance, cells, label, 4)) for label, chance in chances.items()}
    figure = accuracy_by_length(runs_with(scores, "a"))
    windows, pages = figure.axes
    assert windows.get_xlabel() == "context length [multiples of the native window]"
    assert pages.get_xlabel() == "context length [pages]" and len(pages.lines) == 2


LONG = "a label of very many words, one for each knob: 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9"
ODD = ("$a_$", "_b", "长 文", "[c] <i>&", LONG)


def test_any_label_can_be_drawn(tmp_path: Path):
    truth = Truth(levels=dict.fromkeys(ODD, (0.9, 0.1)), baseline=ODD[0], seeds=1, documents=2)
    store = write_store(tmp_path, truth)
    runs = read_store(store, "length_dist")
    accuracy = accuracy_by_length(runs)
    named = [text.get_text() for text in accuracy.legends[0].texts]
    assert named == [*ODD[:4], "a label of very many…, 0.7, 0.8, 0.9"]
    for figure in (accuracy, draw_maps(depth_maps(runs), runs)):
        assert save(figure, tmp_path / "drawn")
    assert write_report(runs, table_of(runs), store).is_file()

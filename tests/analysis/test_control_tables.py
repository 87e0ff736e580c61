"""Tables and figures of the controls that neither paper ran."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from mmprolong import plugins
from mmprolong.config.groups import PUBLISHED, TABLES, files_in
from mmprolong.pipeline.plan import Point
from mmprolong.reporting.figures.charts import accuracy_by_length
from mmprolong.reporting.report.report import own_drawing
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.results.training import arm_mixtures
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table
from mmprolong.store.atomic import read_json, write_json
from tests.analysis.runs import runs_of
from tests.store_inputs import LENGTHS
from tests.stores import Truth, rewrite, write_store


def build(runs: Runs):
    return plugins.load_file(files_in(TABLES)[runs.plan.ablation]).build(runs, Published(files_in(PUBLISHED)))


def with_own(runs: Runs, settings: dict[str, dict], phases: bool = True) -> Runs:
    """`runs` whose rows have configurations of their own, and mixtures where `phases`."""
    points = [
        Point(
            label=point.label,
            seed=point.seed,
            config=point.config | settings[point.label],
            steps=point.steps | ({"mixture.longpt": point.label} if phases and point.label != "base" else {}),
        )
        for point in runs.plan.points
    ]
    return replace(runs, plan=replace(runs.plan, points=tuple(points)))


def test_contrasts_are_those_of_the_truth():
    chances = {"rope x1 / untrained": 0.3, "rope x1 / LongPT": 0.6, "rope x4 / untrained": 0.5, "rope x4 / LongPT": 0.9}
    runs = runs_of(chances, ["reasoning"], LENGTHS, "rope x1 / untrained", seeds=3, ablation="rope_unchanged")
    table = build(runs)
    assert table.cell("rope x4 / LongPT", "training").value == pytest.approx(40, abs=6)
    assert table.cell("rope x4 / LongPT", "base").value == pytest.approx(30, abs=6)
    assert table.cell("rope x1 / untrained", "training").text == "-"
    assert table.cell("rope x1 / LongPT", "training").symbol == " *"
    assert any("after Holm's correction over 7 comparisons" in note for note in table.notes)
    alone, together = (made.cell("rope x4 / untrained", "p_holm").value for made in (ablation_table(runs, ""), table))
    assert alone is not None and together is not None and alone < together


def test_a_length_is_compared_where_it_was_trained():
    chances = {"base": 0.2, "mixed": 0.5, "1x": 0.5, "2x": 0.9, "4x": 0.5, "8x": 0.5, "16x": 0.5}
    table = build(runs_of(chances, ["reasoning"], LENGTHS, "mixed", seeds=3, documents=20, ablation="train_length"))
    assert table.cell("2x", "longer").value == pytest.approx(40, abs=8) and table.cell("1x", "longer").text == "-"
    assert table.cell("4x", "longer").value == pytest.approx(-40, abs=8)
    assert table.cell("2x", "matched").symbol == " *" and table.cell("4x", "matched").symbol == " ns"
    cell = table.cell("mixed", "4x")
    assert "[" in cell.text and cell.low is not None and cell.low < (cell.value or 0) < (cell.high or 0)


def test_a_suite_without_a_length_leaves_its_contrast_out():
    chances = {"mixed": 0.5, "1x": 0.5, "2x": 0.5, "16x": 0.5}
    table = build(runs_of(chances, ["reasoning"], ["2x", "4x"], "mixed", ablation="train_length"))
    assert table.cell("2x", "matched").text != "-" and table.cell("1x", "matched").text == "-"


def test_page_sizes_are_compared_with_their_own_bases():
    chances = {"28 px base": 0.2, "28 px equal tokens": 0.6, "56 px base": 0.4, "56 px": 0.9}
    table = build(runs_of(chances, ["reasoning"], LENGTHS, "56 px", seeds=3, ablation="page_size"))
    assert table.cell("28 px equal tokens", "own_base").value == pytest.approx(40, abs=6)
    assert table.cell("56 px", "own_base").value == pytest.approx(50, abs=6)
    assert table.cell("56 px base", "own_base").text == "-"


def test_what_a_row_was_trained_on_is_counted(tmp_path: Path):
    levels = {"base": (0.4, 0.1), "64K": (0.8, 0.1), "128K": (0.9, 0.1)}
    truth = Truth(ablation="token_budget", baseline="128K", levels=levels, documents=4, questions=2, seeds=1)
    table = build(read_store(write_store(tmp_path, truth), "token_budget"))
    counted = [table.cell("64K", f"trained_{name}").text for name in ("tokens", "examples", "pages")]
    assert counted == ["65,012", "260", "4,680"] and table.cell("base", "trained_tokens").text == "-"
    assert (table.cell("64K", "step").value or 0) > 0


def test_every_component_is_counted_in_what_was_trained_on(tmp_path: Path):
    levels = {"64K": (0.8, 0.1), "128K": (0.9, 0.1)}
    truth = Truth(ablation="token_budget", baseline="128K", levels=levels, documents=2, questions=2, seeds=1)
    store = write_store(tmp_path, truth)
    path = store / "mixture" / "mixture-64K-s0" / "certificate.json"
    drawn = read_json(path)
    short = {"source": "short", "actual": 400, "tasks": {"reasoning": {"target": None, "actual": 400}}, "lengths": []}
    parts = {"components": drawn["components"] | {"short": short}, "page_counts": drawn["page_counts"] | {"1": 40}}
    write_json(path, drawn | parts)
    rewrite(store, "mixture/mixture-64K-s0")
    runs = read_store(store, "token_budget")
    table = build(runs)
    assert [table.cell("64K", f"trained_{name}").text for name in ("examples", "pages")] == ["300", "4,720"]
    (mixture,) = (one for one in arm_mixtures(store, runs.plan) if one.label == "64K")
    assert mixture.tokens == {"extract_single": 52010, "reasoning": 13002, "short": 400}


def test_the_map_frames_the_length_of_training():
    chances = {"base": 0.2, "mixed": 0.7, "1x": 0.5, "2x": 0.6}
    runs = runs_of(chances, ["reasoning"], LENGTHS, "mixed", seeds=3, ablation="train_length")
    settings = {
        label: {"suite": runs.plan.suite | {"trained": "8x" if label in ("base", "mixed") else label}}
        for label in chances
    }
    found = own_drawing(with_own(runs, settings))
    assert found is not None and found.name == "train_length"
    (axes,) = found.figure.axes
    assert [patch.get_xy() for patch in axes.patches if isinstance(patch, Rectangle)] == [(3, 1), (0, 2), (1, 3)]
    assert len(axes.texts) == 20 and "–" in axes.texts[0].get_text()


def test_where_rows_are_trained_to_different_lengths_none_is_shaded():
    runs = runs_of({"1x": 0.5, "2x": 0.6}, ["reasoning"], LENGTHS, "1x", ablation="train_length")
    settings = {label: {"suite": runs.plan.suite | {"trained": label}} for label in runs.plan.labels}
    assert not accuracy_by_length(with_own(runs, settings)).axes[0].texts


def test_the_curve_has_a_line_a_length_and_a_place_for_no_tokens():
    chances = {"base": 0.2, "16K": 0.5, "32K": 0.8}
    runs = runs_of(chances, ["reasoning"], ["2x", "4x"], "32K", seeds=3, ablation="token_budget")
    tokens = {"base": 0, "16K": 16384, "32K": 32768}
    settings = {label: {"phases": {"longpt": {"mixture": {"tokens": number}}}} for label, number in tokens.items()}
    found = own_drawing(with_own(runs, settings))
    assert found is not None
    (axes,) = found.figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "16K", "32K"]
    lines = {line.get_label(): line for line in axes.lines}
    assert {"2x", "4x", "overall"} <= lines.keys() and [*np.asarray(lines["overall"].get_xdata())] == [
        8192,
        16384,
        32768,
    ]


def test_an_ablation_without_a_figure_of_its_own_has_none(store: Path):
    assert own_drawing(read_store(store, "length_dist")) is None

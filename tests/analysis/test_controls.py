from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import pytest

from mmprolong import plugins
from mmprolong.config.groups import TABLES, files_in
from mmprolong.evaluation.lengths import size
from mmprolong.models.backbone import count, find
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.records import Document, Instance
from mmprolong.reporting.figures.charts import accuracy_by_length
from mmprolong.reporting.figures.own_figure import own_figure
from mmprolong.reporting.report.report import write_report
from mmprolong.reporting.sources.runs import Runs, read_store
from mmprolong.reporting.tables.paper_tables import table_of
from mmprolong.reporting.tables.results import ablation_table as arms_by_length
from mmprolong.settings.knobs import Config
from mmprolong.store.atomic import read_json, write_json
from mmprolong.sweep.plan import make_plan
from mmprolong.synthesis.stamps import write_stamped
from tests.analysis.runs import runs_of
from tests.stores import LENGTHS, Truth, write_store

POOL = [Document(id="a", source="a.pdf", page_sizes=((595.0, 842.0),) * 150)]


def plan_of(name: str, store: Path) -> Plan:
    return make_plan([f"+ablation={name}", f"paths.store={store}"])[0]


def configs(name: str, store: Path) -> dict[str, Config]:
    """The configuration of each row's first seed."""
    points = {point.label: point.config for point in reversed(plan_of(name, store).points)}
    return {label: msgspec.convert(config, Config) for label, config in reversed(points.items())}


def written(source, thumbnail: int, documents: int = 1) -> list[Instance]:
    counter = partial(count, find("proxy"), size_of=lambda image: (thumbnail, thumbnail))
    return list(write_stamped(POOL, replace(source, documents=documents), "proxy", counter))


def build(runs: Runs):
    return plugins.load_file(files_in(TABLES)[runs.plan.ablation]).build(runs)


def with_own(runs: Runs, settings: dict[str, dict], phases: bool = True) -> Runs:
    """`runs` whose rows have configurations of their own, and mixtures where `phases`."""
    points = [
        Point(
            label=point.label,
            seed=point.seed,
            config=point.config | settings[point.label],
            steps=point.steps | ({"longpt.mixture": point.label} if phases and point.label != "base" else {}),
        )
        for point in runs.plan.points
    ]
    return replace(runs, plan=replace(runs.plan, points=tuple(points)))


def test_the_rope_control_crosses_base_and_training(tmp_path: Path):
    points = plan_of("rope_unchanged", tmp_path).points
    assert list(dict.fromkeys(point.label for point in points)) == [
        f"rope {base} / {training}" for base in ("x1", "x4") for training in ("untrained", "LongPT")
    ]
    runs = {
        label: {point.steps["score"] for point in points if point.label == label} for label in {p.label for p in points}
    }
    assert {label: len(found) for label, found in runs.items()} == {
        label: 1 if label.endswith("untrained") else 3 for label in runs
    }


def test_an_untrained_row_is_the_base_with_another_rope(tmp_path: Path):
    found = configs("rope_unchanged", tmp_path)["rope x4 / untrained"].phases["longpt"]
    assert (found.rope.factor, found.optimizer.peak) == (4, 0) and found.mixture.tokens > 0


def test_train_lengths_have_equal_tokens_and_packs_that_hold_their_longest(tmp_path: Path):
    rows = {label: one for label, one in configs("train_length", tmp_path).items() if label not in ("base", "mixed")}
    assert list(rows) == LENGTHS and len({one.phases["longpt"].mixture.tokens for one in rows.values()}) == 1
    for label, config in rows.items():
        longpt = config.phases["longpt"]
        ((shortest, longest),) = longpt.source.pages
        assert longest == 2 * shortest == 8 * size(label) and config.suite.trained == label
        exact = replace(
            longpt.source, pages=[[longest, longest]], tasks=["extract_single", "extract_multi", "reasoning"]
        )
        assert max(one.tokens for one in written(exact, 56, documents=20)) <= longpt.mixture.pack
        needed = longpt.mixture.tokens * max(longpt.mixture.task_mix.values())
        supply = [one.tokens for one in written(replace(longpt.source, tasks=["extract_single"]), 56, documents=30)]
        assert sum(supply) / 30 * longpt.source.documents > needed


def test_budgets_double_and_grow_with_their_documents(tmp_path: Path):
    rows = {label: one.phases["longpt"] for label, one in configs("token_budget", tmp_path).items()}
    tokens = [one.mixture.tokens for one in rows.values()]
    assert tokens == [0, *(16384 << step for step in range(6))]
    assert [label for label in rows if label != "base"] == [f"{number // 1024}K" for number in tokens[1:]]
    assert all(one.mixture.tokens / one.source.documents <= 131072 / 500 + 1 for one in rows.values())


def test_the_questions_are_the_same_at_every_page_size(tmp_path: Path):
    rows = configs("page_size", tmp_path)
    sizes = {one.corpus.thumbnail: one.suite.source for one in rows.values()}
    small, middle, large = (written(source, side) for side, source in sorted(sizes.items()))
    assert sorted(sizes) == [28, 56, 84]
    assert [one.messages for one in small] == [one.messages for one in middle] == [one.messages for one in large]
    assert sum(one.tokens for one in small) < sum(one.tokens for one in middle) < sum(one.tokens for one in large)


def test_every_page_size_has_bases_of_its_own_and_at_least_as_many_updates(tmp_path: Path):
    points = plan_of("page_size", tmp_path).points
    for side in ("28", "56", "84"):
        bases = {point.seed: point.steps["window.training"] for point in points if point.label.startswith(side)}
        assert len(set(bases.values())) == 3
    for name in ("align", "text", "boot", "window"):
        updates = {point.label[:2]: _updates(point.config["phases"][name]) for point in points}
        assert updates["28"] == updates["56"] and updates["84"] in (updates["56"], 2 * updates["56"])


def test_at_equal_pages_the_updates_are_equal_too(tmp_path: Path):
    phases = {point.label: point.config["phases"]["longpt"] for point in plan_of("page_size", tmp_path).points}
    trained = {label: _updates(phase) for label, phase in phases.items() if "base" not in label}
    assert set(trained.values()) == {128}


def _updates(phase: dict) -> int:
    assert phase["mixture"]["pack"] == phase["optimizer"]["batch"]
    return round(phase["mixture"]["tokens"] / phase["optimizer"]["batch"])


def test_a_window_holds_eight_pages_and_a_question_at_every_page_size(tmp_path: Path):
    for config in configs("page_size", tmp_path).values():
        source = replace(config.suite.source, pages=[[8, 8]], turns=1, tasks=["extract_single", "reasoning"])
        longest = max(one.tokens for one in written(source, config.corpus.thumbnail, documents=10))
        assert config.model.window - 8 <= longest <= config.model.window


def test_contrasts_are_those_of_the_truth():
    chances = {"rope x1 / untrained": 0.3, "rope x1 / LongPT": 0.6, "rope x4 / untrained": 0.5, "rope x4 / LongPT": 0.9}
    runs = runs_of(chances, ["reasoning"], LENGTHS, "rope x1 / untrained", seeds=3, ablation="rope_unchanged")
    table = build(runs)
    assert table.cell("rope x4 / LongPT", "training").value == pytest.approx(40, abs=6)
    assert table.cell("rope x4 / LongPT", "base").value == pytest.approx(30, abs=6)
    assert table.cell("rope x1 / untrained", "training").text == "-"
    assert table.cell("rope x1 / LongPT", "training").mark == " *"
    assert any("after Holm's correction over 7 comparisons" in note for note in table.notes)
    alone, together = (made.cell("rope x4 / untrained", "p_holm").value for made in (arms_by_length(runs, ""), table))
    assert alone is not None and together is not None and alone < together


def test_a_length_is_compared_where_it_was_trained():
    chances = {"base": 0.2, "mixed": 0.5, "1x": 0.5, "2x": 0.9, "4x": 0.5, "8x": 0.5, "16x": 0.5}
    table = build(runs_of(chances, ["reasoning"], LENGTHS, "mixed", seeds=3, documents=20, ablation="train_length"))
    assert table.cell("2x", "longer").value == pytest.approx(40, abs=8) and table.cell("1x", "longer").text == "-"
    assert table.cell("4x", "longer").value == pytest.approx(-40, abs=8)
    assert table.cell("2x", "matched").mark == " *" and table.cell("4x", "matched").mark == " ns"
    cell = table.cell("mixed", "accuracy_4x")
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
    counted = [table.cell("64K", f"trained_{name}").text for name in ("tokens", "instances", "pages")]
    assert counted == ["65,012", "260", "4,680"] and table.cell("base", "trained_tokens").text == "-"
    assert (table.cell("64K", "step").value or 0) > 0


def test_short_data_are_counted_in_every_column_of_what_was_trained_on(tmp_path: Path):
    levels = {"64K": (0.8, 0.1), "128K": (0.9, 0.1)}
    truth = Truth(ablation="token_budget", baseline="128K", levels=levels, documents=2, questions=2, seeds=1)
    store = write_store(tmp_path, truth)
    path = store / "mixture" / "mixture-64K-s0" / "certificate.json"
    drawn = read_json(path)
    short = {"short": {"target": 400, "actual": 400}, "page_counts": drawn["page_counts"] | {"1": 40}}
    write_json(path, drawn | short)
    table = build(read_store(store, "token_budget"))
    assert [table.cell("64K", f"trained_{name}").text for name in ("instances", "pages")] == ["300", "4,720"]


def test_the_map_frames_the_length_of_training():
    chances = {"base": 0.2, "mixed": 0.7, "1x": 0.5, "2x": 0.6}
    runs = runs_of(chances, ["reasoning"], LENGTHS, "mixed", seeds=3, ablation="train_length")
    settings = {
        label: {"suite": runs.plan.suite | {"trained": "8x" if label in ("base", "mixed") else label}}
        for label in chances
    }
    found = own_figure(with_own(runs, settings))
    assert found is not None and found.name == "train_length"
    (axes,) = found.figure.axes
    assert [patch.get_xy() for patch in axes.patches] == [(3, 1), (0, 2), (1, 3)]
    assert len(axes.texts) == 20 and "–" in axes.texts[0].get_text()


def test_where_rows_are_trained_to_different_lengths_none_is_shaded():
    runs = runs_of({"1x": 0.5, "2x": 0.6}, ["reasoning"], LENGTHS, "1x", ablation="train_length")
    settings = {label: {"suite": runs.plan.suite | {"trained": label}} for label in runs.plan.labels}
    marked = {text.get_text() for text in accuracy_by_length(with_own(runs, settings)).axes[0].texts}
    assert marked == {"1x", "2x"}


def test_the_curve_has_a_line_a_length_and_a_place_for_no_tokens():
    chances = {"base": 0.2, "16K": 0.5, "32K": 0.8}
    runs = runs_of(chances, ["reasoning"], ["2x", "4x"], "32K", seeds=3, ablation="token_budget")
    tokens = {"base": 0, "16K": 16384, "32K": 32768}
    settings = {label: {"phases": {"longpt": {"mixture": {"tokens": number}}}} for label, number in tokens.items()}
    found = own_figure(with_own(runs, settings))
    assert found is not None
    (axes,) = found.figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "16K", "32K"]
    lines = {line.get_label(): line for line in axes.lines}
    assert {"2x", "4x", "overall"} <= lines.keys() and list(lines["overall"].get_xdata()) == [8192, 16384, 32768]


def test_an_ablation_without_a_figure_of_its_own_has_none(store: Path):
    assert own_figure(read_store(store, "length_dist")) is None


def test_the_own_figure_stands_in_the_report(tmp_path: Path):
    levels = {"base": (0.5, 0.1), "mixed": (0.9, 0.05), "2x": (0.9, 0.1), "8x": (0.8, 0.02)}
    truth = Truth(ablation="train_length", baseline="mixed", levels=levels, documents=4, questions=2, seeds=2)
    store = write_store(tmp_path, truth)
    runs = read_store(store, "train_length")
    report = write_report(runs, table_of(runs), store)
    assert {"train_length.png", "train_length.svg"} <= {path.name for path in report.files}
    assert "Framed: the longest length" in report.html.read_text()
    assert "train_length.png" in (report.folder / "report.md").read_text()

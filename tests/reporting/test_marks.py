"""What a table says of how far its numbers can be trusted, in every form in which it is printed."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import pytest
from rich.console import Console

from mmprolong.reporting.sources.runs import Runs, read_store
from mmprolong.reporting.statistics.arms import measured
from mmprolong.reporting.tables.paper_tables import ablation_table, paper_table
from mmprolong.reporting.tables.render import to_csv, to_html, to_latex, to_markdown, to_rich
from mmprolong.reporting.tables.table import Table
from tests.analysis.runs import runs_of
from tests.stores import Truth, write_store

LEVELS = {"base": (0.5, 0.1), "pool_native": (0.9, 0.1), "long_biased": (0.7, 0.1), "uniform": (0.88, 0.1)}


def runs_without(folder: Path, *missing: tuple[str, int]) -> Runs:
    truth = Truth(levels=LEVELS, documents=12, questions=2, seeds=3, missing=frozenset(missing))
    return read_store(write_store(folder, truth), "length_dist")


def rows(table: Table) -> dict[str, dict[str, str]]:
    return {row["arm"]: row for row in csv.DictReader(io.StringIO(to_csv(table)))}


def every_form(table: Table) -> list[str]:
    shown = Console(width=250, file=io.StringIO(), force_terminal=False)
    shown.print(to_rich(table))
    plain = to_latex(table).translate(str.maketrans("", "", "${}")).replace(r"\pm", "±").replace(r"\dagger", "†")
    return [to_markdown(table), to_html(table), shown.file.getvalue(), plain]


def test_means_stand_with_their_spread_over_seeds_and_their_interval(tmp_path: Path):
    runs = runs_without(tmp_path)
    table, arms = ablation_table(runs), measured(runs)
    overall = [100 * result.metrics["overall"] for result in runs.of("uniform")]
    cell, interval = table.cell("uniform", "overall"), table.cell("uniform", "interval").text
    assert cell.sd == pytest.approx(stdev(overall)) == pytest.approx(100 * (arms["uniform"].sd or 0))
    for text in every_form(table):
        assert f"{sum(overall) / 3:.1f} ± {stdev(overall):.1f}" in text and interval in text
    row = rows(table)["uniform"]
    assert float(row["overall_sd"]) == pytest.approx(stdev(overall), abs=1e-6)
    assert interval == f"[{float(row['overall_low']):.1f}, {float(row['overall_high']):.1f}]"


def test_a_single_run_has_no_spread(tmp_path: Path):
    table = ablation_table(runs_without(tmp_path))
    assert re.fullmatch(r"\d+\.\d ± -", table.cell("base", "overall").text)
    assert rows(table)["base"]["overall_sd"] == "-" and rows(table)["base"]["overall_low"] != "-"


def test_notes_say_what_intervals_cover_and_whose_seeds_they_rest_on(tmp_path: Path):
    notes = " ".join(ablation_table(runs_without(tmp_path, ("uniform", 1), ("uniform", 2))).notes)
    assert (
        "cover documents and seeds (documents alone for base); seeds by each arm's own (the others' for uniform"
        in notes
    )
    assert "what documents and all seeds spread" in notes


def test_notes_of_single_runs_speak_of_documents_alone():
    table = ablation_table(runs_of({"a": 0.5, "b": 0.8}, ["reasoning"], ["1x"], "a", seeds=1))
    (said,) = (note for note in table.notes if "intervals" in note)
    assert said == "95 % intervals cover documents, in pairs where arms are compared."
    assert not any("all seeds" in note for note in table.notes)


def test_every_row_says_how_many_runs_by_which_scorer_and_code(tmp_path: Path):
    found = rows(
        ablation_table(
            runs_without(tmp_path, ("uniform", 2), ("long_biased", 0), ("long_biased", 1), ("long_biased", 2))
        )
    )
    names = ("seeds", "finished", "planned", "n", "marks", "scorer", "commit")
    said = {label: tuple(row[name] for name in names) for label, row in found.items()}
    assert said == {
        "base": ("(1/1)", "1", "1", "120", "", "exact_match-1", "0123abc"),
        "pool_native": ("(3/3)", "3", "3", "120", "", "exact_match-1", "0123abc"),
        "long_biased": ("(0/3)", "0", "3", "-", "partial", "-", "-"),
        "uniform": ("(2/3)", "2", "3", "120", "partial", "exact_match-1", "0123abc"),
    }


@pytest.mark.parametrize("name", ["length_dist", "mm_niah", "training_data", "training_setup"])
def test_what_was_typed_at_the_launch_stands_in_every_table(tmp_path: Path, name: str):
    runs = launched(runs_without(tmp_path), "task_mix=2_8", "sweep.seeds=[0,1]")
    for each in (runs, replace(runs, results={})):
        told = "Launched with task_mix=2_8 'sweep.seeds=[0,1]': not as the ablation's file stands."
        assert told in paper_table(name, each).notes
    assert not any(note.startswith("Launched") for note in paper_table(name, launched(runs)).notes)


def test_what_was_typed_at_the_launch_stands_in_every_form(tmp_path: Path):
    for text in every_form(ablation_table(launched(runs_without(tmp_path), "task_mix=2_8"))):
        assert "task_mix=2_8" in text.replace("\\", "")


def launched(runs: Runs, *overrides: str) -> Runs:
    """With `overrides`, beside those that say where and how."""
    typed = ("+ablation=length_dist", "cluster=slurm_h100", "paths.store=/x", "+tracking.mode=off", *overrides)
    return replace(runs, plan=replace(runs.plan, overrides=typed))


def test_a_row_with_missing_seeds_and_what_it_is_compared_by_are_marked(tmp_path: Path):
    table = ablation_table(runs_without(tmp_path, ("uniform", 2)))
    assert table.title.endswith(" (9 of 10 runs)")
    marks = {row[0].text: table.cell(row[0].text, "delta").mark for row in table.rows}
    assert marks["uniform"].endswith("†") and not marks["long_biased"].endswith("†")
    for text in every_form(table):
        assert "(2/3) †" in text.replace(r"\,", " ").replace('<span class="mark">', "").replace("</span>", "")
        assert "Not final" in text and "uniform (seed 2)" in text


def test_a_baseline_with_missing_seeds_marks_every_difference(tmp_path: Path):
    table = ablation_table(runs_without(tmp_path, ("pool_native", 1)))
    marks = [table.cell(label, "delta").mark for label in LEVELS if label != "pool_native"]
    assert all(mark.endswith("†") for mark in marks)


def test_holm_counts_the_comparisons_that_are_still_running(tmp_path: Path):
    others = [(label, seed) for label in ("base", "uniform") for seed in range(3)]
    row = rows(ablation_table(runs_without(tmp_path, *others)))["long_biased"]
    assert float(row["p_holm"]) == pytest.approx(min(1.0, 3 * float(row["p"])), abs=3e-6)


def test_the_best_and_what_cannot_be_told_from_it_are_marked(tmp_path: Path):
    table = ablation_table(runs_without(tmp_path))
    cells = {row[0].text: table.cell(row[0].text, "overall") for row in table.rows}
    (best,) = (label for label, cell in cells.items() if cell.best)
    near = {label for label, cell in cells.items() if cell.mark == " ≈"}
    assert {best} | near == {"pool_native", "uniform"} and best not in near


def test_the_tables_of_the_papers_say_the_same():
    chances = {"Qwen2.5-VL-7B": 0.4, "MMProLong (7B)": 0.8, "ours": 0.79}
    tasks = ["mmlongbench_doc", "longdocurl", "slidevqa"]
    runs = runs_of(chances, tasks, ["64K", "128K"], "Qwen2.5-VL-7B", seeds=3)
    missing = runs.plan.of("MMProLong (7B)")[1].steps["score"]
    table = paper_table(
        "final_comparison", Runs(plan=runs.plan, results={k: v for k, v in runs.results.items() if k != missing})
    )
    cell = table.cell("MMProLong (7B)", "ours_overall")
    assert cell.sd and cell.low and re.fullmatch(r"\d+\.\d ± \d+\.\d", cell.text)
    assert table.cell("MMProLong (7B)", "interval").text.startswith("[")
    assert table.cell("MMProLong (7B)", "seeds").mark == " †" and table.cell("MMProLong (7B)", "delta").mark == " *†"
    assert table.cell("MMProLong (7B)", "p_holm").text == "<0.001"
    assert table.cell("ours", "ours_overall").mark == " ≈" and table.title.endswith(" (8 of 9 runs)")
    assert table.cell("Qwen2.5-VL-7B", "p_holm").text == "-"
    assert any("Code unknown of 8 of 8 steps" in note for note in table.notes)

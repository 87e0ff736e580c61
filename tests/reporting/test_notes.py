"""What a table says of how far its numbers can be trusted, in every form in which it is printed."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import pytest
from rich.console import Console

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.statistics.contrasts import arms_of
from mmprolong.reporting.statistics.intervals import difference
from mmprolong.reporting.tables.metrics import DOCUMENTS
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.paper_tables import paper_table, table_of
from mmprolong.reporting.tables.render import print_table, to_csv, to_html, to_latex, to_markdown
from tests.analysis.runs import runs_of
from tests.stores import Truth, write_store

LEVELS = {"base": (0.5, 0.1), "pool_native": (0.9, 0.1), "long_biased": (0.7, 0.1), "uniform": (0.88, 0.1)}


def runs_without(folder: Path, *missing: tuple[str, int]) -> Runs:
    truth = Truth(levels=LEVELS, documents=12, questions=2, seeds=3, missing=frozenset(missing))
    return read_store(write_store(folder, truth), "length_dist")


def rows(table: Table) -> dict[str, dict[str, str]]:
    return {row["arm"]: row for row in csv.DictReader(io.StringIO(to_csv(table)))}


def every_form(table: Table) -> list[str]:
    file = io.StringIO()
    shown = Console(width=250, file=file, force_terminal=False)
    print_table(shown, table)
    plain = to_latex(table).translate(str.maketrans("", "", "${}")).replace(r"\pm", "±")
    return [to_markdown(table), to_html(table), file.getvalue(), plain]


def test_means_stand_with_their_spread_over_seeds_and_their_interval(tmp_path: Path):
    runs = runs_without(tmp_path)
    table = table_of(runs)
    overall = [100 * float(value) for value in arms_of(runs, runs.average)["uniform"].means]
    cell, interval = table.cell("uniform", "overall"), table.cell("uniform", "interval").text
    assert cell.sd == pytest.approx(stdev(overall))
    for text in every_form(table):
        assert f"{sum(overall) / 3:.1f} ± {stdev(overall):.1f}" in text and interval in text
    row = rows(table)["uniform"]
    assert float(row["overall_sd"]) == pytest.approx(stdev(overall), abs=1e-6)
    assert interval == f"[{float(row['overall_low']):.1f}, {float(row['overall_high']):.1f}]"


def test_a_single_run_has_no_spread(tmp_path: Path):
    table = table_of(runs_without(tmp_path))
    assert re.fullmatch(r"\d+\.\d ± -", table.cell("base", "overall").text)
    assert rows(table)["base"]["overall_sd"] == "-" and rows(table)["base"]["overall_low"] != "-"


def test_notes_say_what_intervals_cover_and_whose_seeds_they_rest_on(tmp_path: Path):
    notes = " ".join(table_of(runs_without(tmp_path, ("uniform", 1), ("uniform", 2), ("long_biased", 0))).notes)
    assert "over documents and seeds (documents alone for base, uniform: one run), in pairs" in notes
    assert "Two seeds (long_biased) say little of their spread" in notes
    assert "overall: equal shares of 1x, 2x, 4x, 8x, 16x." in notes


def test_notes_of_single_runs_speak_of_documents_alone():
    table = table_of(runs_of({"a": 0.5, "b": 0.8}, ["reasoning"], ["1x"], "a", seeds=1))
    (said,) = (note for note in table.notes if "intervals" in note)
    assert said.startswith("95 % intervals over documents, in pairs where arms are compared")


def test_every_row_says_how_many_runs_it_has(tmp_path: Path):
    found = rows(
        table_of(runs_without(tmp_path, ("uniform", 2), ("long_biased", 0), ("long_biased", 1), ("long_biased", 2)))
    )
    names = ("seeds", "n", "marks")
    said = {label: tuple(row[name] for name in names) for label, row in found.items()}
    assert said == {
        "base": ("(1/1)", "120", ""),
        "pool_native": ("(3/3)", "120", ""),
        "long_biased": ("(0/3)", "-", "partial"),
        "uniform": ("(2/3)", "120", "partial"),
    }


@pytest.mark.parametrize("name", ["length_dist", "mm_niah", "training_data", "training_setup"])
def test_what_was_typed_at_the_launch_stands_in_every_table(tmp_path: Path, name: str):
    runs = launched(runs_without(tmp_path), "tasks=2_8", "sweep.seeds=[0,1]")
    for each in (runs, replace(runs, results={})):
        told = "Launched with tasks=2_8 'sweep.seeds=[0,1]': other than in the ablation's file."
        assert told in paper_table(name, each).notes
    assert not any(note.startswith("Launched") for note in paper_table(name, launched(runs)).notes)


def test_what_was_typed_at_the_launch_stands_in_every_form(tmp_path: Path):
    for text in every_form(table_of(launched(runs_without(tmp_path), "tasks=2_8"))):
        assert "tasks=2_8" in text.replace("\\", "")


def launched(runs: Runs, *overrides: str) -> Runs:
    """With `overrides`, beside those that say where and how."""
    typed = ("+ablation=length_dist", "cluster=slurm_h100", "paths.store=/x", "+tracking.mode=off", *overrides)
    return replace(runs, plan=replace(runs.plan, overrides=typed))


def test_a_row_with_missing_seeds_is_marked(tmp_path: Path):
    table = table_of(runs_without(tmp_path, ("uniform", 2)))
    assert table.title.endswith(" (9 of 10 runs)")
    marks = {row[0].text: table.cell(row[0].text, "marks").text for row in table.rows}
    assert marks == {"base": "", "pool_native": "", "long_biased": "", "uniform": "partial"}
    for text in every_form(table):
        assert "(2/3)" in text and "partial: not final" in text and "uniform (seed 2)" in text


def test_holm_counts_the_comparisons_that_are_still_running(tmp_path: Path):
    others = [(label, seed) for label in ("base", "uniform") for seed in range(3)]
    runs = runs_without(tmp_path, *others)
    row, arms = rows(table_of(runs))["long_biased"], arms_of(runs, runs.average)
    alone = difference(*(arms[label] for label in ("long_biased", "pool_native")))
    assert float(row["p_holm"]) == pytest.approx(min(1.0, 3 * alone.p), abs=3e-6)


def test_the_tables_of_the_papers_say_the_same():
    chances = {"Qwen2.5-VL-7B": 0.4, "MMProLong": 0.8, "ours": 0.78}
    tasks = [task for place in DOCUMENTS.values() for task in place.tasks]
    runs = runs_of(chances, tasks, ["64K", "128K"], "Qwen2.5-VL-7B", seeds=3)
    (missing,) = runs.plan.of("MMProLong")[1].scores.values()
    table = paper_table(
        "final_comparison", Runs(plan=runs.plan, results={k: v for k, v in runs.results.items() if k != missing})
    )
    cell = table.cell("MMProLong", "overall")
    assert cell.sd and cell.low and re.fullmatch(r"\d+\.\d ± \d+\.\d", cell.text)
    assert table.cell("MMProLong", "interval").text.startswith("[")
    assert table.cell("MMProLong", "marks").text == "partial"
    assert table.cell("MMProLong", "delta").symbol == " *"
    assert re.fullmatch(r"<0\.001|0\.00\d", table.cell("MMProLong", "p_holm").text)
    assert table.title.endswith(" (8 of 9 runs)")
    assert table.cell("Qwen2.5-VL-7B", "p_holm").text == "-"
    assert any("of 8 of 8 steps are not known" in note for note in table.notes)

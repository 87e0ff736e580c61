import csv
import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas
import pytest

from mmprolong.errors import ArtifactError, ConfigError
from mmprolong.evaluation.score import metrics
from mmprolong.records import Score
from mmprolong.reporting.report.report import write_report as write
from mmprolong.reporting.results.items import read_items, write_items
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.tables.paper_tables import table_of
from tests.store_inputs import LENGTHS
from tests.stores import Truth, write_store


def write_report(store: Path, ablation: str) -> Path:
    runs = read_store(store, ablation)
    return write(runs, table_of(runs), store)


@pytest.fixture(scope="module")
def report(store: Path) -> Path:
    return write_report(store, "length_dist")


def test_a_report_is_tables_figures_and_a_page(report: Path, store: Path):
    folder = store / "reports" / "length_dist"
    assert report == folder / "report.html"
    names = {path.name for path in folder.iterdir()}
    assert {"table.md", "table.tex", "table.csv", "table.html", "report.html", "accuracy.png", "accuracy.svg"} <= names
    assert {"depth.svg", "depth.csv", "items.parquet"} <= names
    assert all(path.stat().st_size > 500 for path in folder.iterdir())


def test_a_row_of_the_items_is_an_answer_that_any_tool_reads(report: Path, store: Path):
    found: Any = pandas.read_parquet(report.with_name("items.parquet"))
    assert {"run", "label", "seed", "depth", *Score.__dataclass_fields__} == set(found.columns)
    assert found["depth"].between(0, 1).all()
    means = found.groupby(["run", "length", "task"])["value"].mean().groupby("run").mean()
    for step, scores in read_store(store, "length_dist").results.items():
        assert means[step] == pytest.approx(metrics(scores, LENGTHS)["overall"])


def test_the_items_alone_give_the_same_table_and_file(report: Path, store: Path, tmp_path: Path):
    path = report.with_name("items.parquet")
    found = read_items(path)
    assert table_of(found).rows == table_of(read_store(store, "length_dist")).rows
    assert write_items(tmp_path / "again.parquet", found).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"PAR1PAR1", "cut", "foreign", "digit", None])
def test_damaged_items_are_one_line(report: Path, tmp_path: Path, damage: bytes | str | None):
    path, whole = tmp_path / "items.parquet", bytearray(report.with_name("items.parquet").read_bytes())
    whole[200] ^= 1
    if damage == "foreign":
        pandas.DataFrame({"a": [1]}).to_parquet(path)
    elif damage is not None:
        path.write_bytes({"cut": whole[:-100], "digit": whole}[damage] if isinstance(damage, str) else damage)
    with pytest.raises(ArtifactError, match=r"items\.parquet: .+; expected the items of a report") as caught:
        read_items(path)
    assert "\n" not in str(caught.value)


def test_the_page_needs_nothing_but_itself(report: Path):
    text = report.read_text()
    links = re.findall(r'(?:src|href)="([^"#][^"]*)"', text)
    assert not links
    assert "<script" not in text and "@import" not in text
    assert not re.findall(r"url\((?!#)", text)


def test_the_page_shows_every_part(report: Path):
    text = report.read_text()
    parts = ["Result", "What the baseline said", "Settings, data and provenance"]
    assert re.findall(r"<h2>(.*?)</h2>", text) == parts
    assert text.count("<svg") == 2 and text.count('<td class="text">0.00</td>') == 5
    assert (
        "phases.longpt.mixture.components.long.lengths.tilt" in text
        and "score-uniform-s1" in text
        and 'class="gone"' not in text
    )


def test_the_page_is_well_formed_and_its_ids_are_its_own(report: Path):
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.depth: list[str] = []
            self.ids: list[str] = []

        def handle_starttag(self, tag, attrs):
            self.ids += [value or "" for name, value in attrs if name == "id"]
            if tag not in {"meta", "img", "path", "use", "rect", "br"}:
                self.depth.append(tag)

        def handle_endtag(self, tag):
            if tag not in {"meta", "img", "path", "use", "rect", "br"}:
                assert self.depth.pop() == tag

    parser = Tags()
    parser.feed(report.read_text())
    assert parser.depth == []
    clips = [name for name in parser.ids if re.fullmatch(r"p[0-9a-f]{10}", name)]
    assert clips and len(clips) == len(set(clips))


def test_the_same_results_write_the_same_files(report: Path, store: Path):
    written = {path.name: path.read_bytes() for path in report.parent.iterdir()}
    write_report(store, "length_dist")
    for name, content in written.items():
        assert (report.parent / name).read_bytes() == content, name


def test_a_sweep_that_has_not_begun_has_a_report_of_dashes(tmp_path: Path):
    levels = {"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}
    missing = frozenset((label, seed) for label in levels for seed in range(2))
    store = write_store(tmp_path, Truth(levels=levels, missing=missing, documents=2, questions=2, seeds=2))
    report = write_report(store, "length_dist")
    with (report.parent / "table.csv").open() as file:
        row = next(csv.DictReader(file))
    assert row["seeds"] == "(0/2)" and {row["overall"], row["delta"]} == {"-"}
    assert "(0 of 4 runs)" in report.read_text()


@pytest.mark.parametrize("table", ["", "page_size"])
def test_a_sweep_whose_lengths_are_not_known_yet_has_a_report(tmp_path: Path, table: str):
    """As of documents as they are: which lengths they have is known once they are answered."""
    levels = {"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}
    missing = frozenset((label, 0) for label in levels)
    store = write_store(tmp_path, Truth(levels=levels, missing=missing, documents=2, questions=2, seeds=1))
    runs = read_store(store, "length_dist")
    for point in runs.plan.points:
        point.config["suite"] |= {"overall": [], "trained": ""}
    runs = replace(runs, plan=replace(runs.plan, table=table))
    report = write(runs, table_of(runs), store)
    assert "(0 of 2 runs)" in report.read_text()


def test_the_files_of_a_report_are_replaced_whole(report: Path):
    """Who holds an old file open, or has linked it, keeps it as it was."""
    held = {path: path.open("rb") for path in report.parent.iterdir()}
    write_report(report.parents[2], "length_dist")
    for path, old in held.items():
        with old:
            assert os.fstat(old.fileno()).st_nlink == 0, path.name
    assert not list(report.parent.glob("*.partial"))


def test_what_is_gone_is_said_and_the_numbers_stay(tmp_path: Path):
    store = write_store(tmp_path, Truth(documents=2, questions=2, seeds=1))
    shutil.rmtree(store / "reply")
    text = write_report(store, "length_dist").read_text()
    assert 'class="gone"' in text and ": no finished step" in text and "pool_native" in text


def test_a_misspelt_table_names_the_nearest(tmp_path: Path):
    store = write_store(tmp_path, Truth(ablation="rope_bases", documents=2, questions=2, seeds=1))
    with pytest.raises(ConfigError, match="table: 'rope_bases' is unknown; did you mean 'rope_base'"):
        write_report(store, "rope_bases")


def test_the_own_figure_stands_in_the_report(tmp_path: Path):
    levels = {"base": (0.5, 0.1), "mixed": (0.9, 0.05), "2x": (0.9, 0.1), "8x": (0.8, 0.02)}
    truth = Truth(ablation="train_length", baseline="mixed", levels=levels, documents=4, questions=2, seeds=2)
    store = write_store(tmp_path, truth)
    runs = read_store(store, "train_length")
    report = write(runs, table_of(runs), store)
    assert {"train_length.png", "train_length.svg"} <= {path.name for path in report.parent.iterdir()}
    assert "Framed: the longest length" in report.read_text()

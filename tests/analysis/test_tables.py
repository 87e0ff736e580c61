from pathlib import Path

import pytest

from mmprolong import plugins
from mmprolong.config.groups import PUBLISHED, TABLES, files_in
from mmprolong.errors import ConfigError
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.tables.published import Published
from tests.stores import Truth, write_store

PAPER = Published(files_in(PUBLISHED))
LEVELS = {
    "supervision": (
        "base",
        [
            "base",
            "extract_single",
            "extract_multi",
            "reasoning",
            "ocr_full",
            "ocr_needle",
            "ocr_full_sft",
            "ocr_needle_sft",
        ],
    ),
    "extraction_ratio": ("8_2", ["0_10", "2_8", "4_6", "6_4", "8_2", "10_0"]),
    "short_ratio": ("0", ["base", "0", "20", "40", "60", "80"]),
    "rope_base": ("4x", ["1x", "2x", "4x", "8x"]),
    "length_dist": ("pool_native", ["base", "pool_native", "long_biased", "short_biased", "uniform"]),
}


@pytest.fixture(scope="session", params=sorted(LEVELS))
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """Each ablation's table over a small store in which every later arm is worse."""
    name = request.param
    baseline, labels = LEVELS[name]
    levels = {label: (0.95 - 0.03 * index, 0.02) for index, label in enumerate(labels)}
    truth = Truth(ablation=name, baseline=baseline, levels=levels, documents=6, questions=2, seeds=2)
    runs = read_store(write_store(tmp_path_factory.mktemp(name), truth), name)
    return plugins.load_file(files_in(TABLES)[name]).build(runs, PAPER)


def test_rows_are_the_plans_labels_in_order(table):
    assert [row[0].text for row in table.rows] == LEVELS[table.name][1]


def test_ours_and_the_papers_columns_are_apart(table):
    theirs = [column.title.startswith("published ") for column in table.columns]
    assert any(theirs) and theirs == sorted(theirs)
    assert any("questions a cell" in note for note in table.notes)


def test_length_dist_shows_the_papers_mean_over_tasks_and_dashes(store: Path):
    module = plugins.load_file(files_in(TABLES)["length_dist"])
    table = module.build(read_store(store, "length_dist"), PAPER)
    assert table.cell("pool_native", "published_overall").text == "56.35"
    assert table.cell("long_biased", "published_delta").text == "−1.05"
    assert table.cell("base", "published_64K").text == "52.24"
    assert table.cell("uniform", "published_overall").text == table.cell("uniform", "published_delta").text == "-"
    assert table.cell("uniform", "seeds").text == "(2/3)" and table.cell("uniform", "marks").text == "partial"
    assert any(note.startswith("partial") and "Missing: uniform (seed 2)." in note for note in table.notes)
    assert table.title == "Length distribution (12 of 13 runs)"


def test_a_true_difference_is_marked_and_the_best_is_bold(store: Path):
    module = plugins.load_file(files_in(TABLES)["length_dist"])
    table = module.build(read_store(store, "length_dist"), PAPER)
    assert table.cell("base", "delta").symbol == " *" and table.cell("uniform", "delta").symbol == " ns"
    assert table.cell("pool_native", "overall").best
    assert table.cell("pool_native", "delta").text == "-"


@pytest.mark.parametrize(
    ("file", "where", "expected"),
    [
        ("mmprolong_rope_base", {"base": "8e6"}, {"64K": 55.76, "128K": 54.7833, "overall": 55.27}),
        ("mmprolong_extraction_reasoning_ratio", {"ratio": "8:2"}, {"64K": 59.56, "128K": 55.84, "overall": 57.7}),
    ],
)
def test_published_means_are_the_papers(file: str, where: dict, expected: dict):
    assert PAPER.mean(file, where) == pytest.approx(expected, abs=1e-3)


def test_a_misspelt_published_table_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'mmprolong_rope_base'"):
        PAPER.rows("mmprolong_rope_bases")


@pytest.mark.parametrize(
    "path",
    [path for name, path in files_in(PUBLISHED).items() if name.startswith("mmprolong_")],
    ids=lambda path: path.stem,
)
def test_published_averages_recompute_from_their_cells(path: Path):
    """A slip in copying a cell would break its average."""
    for row in PAPER.rows(path.stem):
        for size in ("64K", "128K", "256K", "512K"):
            cells = [value for name, value in row.items() if name.startswith(f"{size} ") and name != f"{size} avg"]
            if cells and "N/A" not in cells:
                assert sum(map(float, cells)) / len(cells) == pytest.approx(float(row[f"{size} avg"]), abs=0.011)

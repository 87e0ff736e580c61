"""A tiny model through every public benchmark by one command, and the tables of the papers from its cells."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from mmprolong import plugins
from mmprolong.cli import main
from mmprolong.config.compose import Composer
from mmprolong.config.groups import config_dir
from mmprolong.pipeline.plan import planned
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.reporting.tables.paper_tables import paper_table
from mmprolong.store.store import Store
from tests.evaluation.every_set import SUITE, write_every_set, write_letter_model

pytestmark = pytest.mark.xdist_group("cli")
BASES = {"qwen2_5_vl": "Qwen2.5-VL-7B", "qwen3_vl": "Qwen3-VL-8B"}
"""Rows of the papers' tables."""
DOCUMENTS = {"MMLongBench-Doc": "mmlongdoc", "LongDocURL": "longdocurl", "SlideVQA": "slidevqa"}
KINDS = ("retrieval", "counting", "reasoning")
SHORT = {"MMBench": "mmbench", "RealWorldQA": "realworldqa", "MMMU": "mmmu", "MMMU-Pro": "mmmu_pro"}
SHORT |= {"MathVista": "mathvista", "OCRBench": "ocrbench"}
FILMS = {"Video-MME": "video_mme", "MLVU": "mlvu", "LongVideoBench": "longvideobench"}
Items = pd.DataFrame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("every")
    (folder / "own/conf/suite").mkdir(parents=True)
    (folder / "own/conf/suite/everything.yaml").write_text(SUITE)
    write_every_set(folder / "data")
    return folder


def names_of(folder: Path, suite: str) -> list[str]:
    """The benchmarks of a suite."""
    with config_dir(str(folder / "own")):
        return list(Composer().compose([f"suite={suite}", "suite.subject=''"]).suite.benchmarks)


def evaluated(folder: Path, kind: str, suite: str) -> tuple[Runs, Items]:
    """The runs of `mmprolong evaluate` of a tiny model, and what its items.parquet hold."""
    store = Store(folder / f"store-{kind}")
    model = write_letter_model(kind, folder / BASES[kind])
    words = [f"suite={suite}", "--config-dir", str(folder / "own"), f"suite.data_root={folder}/data"]
    words += [f"paths.store={store.root}", "view.max_pixels=3136", "tracking=off", "cluster.processes=1"]
    if suite == "everything":
        words.append(f"suite.benchmarks.needle.benchmark.path={model}")
        words.append(f"suite.benchmarks.novels.benchmark.tokenizer={folder}/data/llama2.json")
    words += [f"suite.benchmarks.{name}.new_tokens=1" for name in names_of(folder, suite)]
    assert main(["evaluate", str(model), *words, "corpus.path=/nowhere"]) == 0
    (name,) = planned(store)
    files = sorted((store.root / "score").glob("*/items.parquet"))
    return read_store(store.root, name), pd.concat([pd.read_parquet(file) for file in files])


@pytest.fixture(scope="module")
def everything(folder: Path) -> tuple[Runs, Items]:
    return evaluated(folder, "qwen2_5_vl", "everything")


def mean(items: Items, benchmark: str, task: str = "", length: str = "") -> float:
    found = items[items.benchmark == benchmark]
    found = found[found.task == task] if task else found
    return found[found.length == length].value.mean() if length else found.value.mean()


def documents(items: Items, benchmark: str, length: str, names: Sequence[str] = tuple(DOCUMENTS)) -> dict[str, float]:
    return {f"{length} {name}": mean(items, benchmark, DOCUMENTS[name], length) for name in names}


def needles(items: Items, length: str) -> dict[str, float]:
    names = {kind: f"mm_niah_{kind}" for kind in KINDS}
    return {
        f"{length} {kind}": (mean(items, name, f"{kind}-text", length) + mean(items, name, f"{kind}-image", length)) / 2
        for kind, name in names.items()
    }


def by_length(cells: Callable[[str], dict[str, float]], lengths: tuple[str, str], overall: str) -> dict[str, float]:
    """Columns of two lengths, their means, and the mean of these."""
    found = {length: cells(length) for length in lengths}
    means = {f"{length} avg": sum(each.values()) / len(each) for length, each in found.items()}
    return {**found[lengths[0]], **found[lengths[1]], **means, overall: sum(means.values()) / 2}


def films(items: Items) -> dict[str, float]:
    found = {name: mean(items[items.parsed != ""], benchmark) for name, benchmark in FILMS.items()}
    return found | {"MLVU": items[items.benchmark == "mlvu"].groupby("task").value.mean().mean()}


def short(items: Items) -> dict[str, float]:
    rotated = items[items.benchmark == "mmbench"]
    circular = rotated.groupby(rotated.facts.map(lambda facts: json.loads(facts)["group"])).value.min().mean()
    found = {name: mean(items, benchmark) for name, benchmark in SHORT.items()} | {"MMBench": circular}
    return found | {"avg": sum(found.values()) / 6}


def rendered(items: Items) -> dict[str, float]:
    found = {task.lower(): mean(items, "vtcbench", task) for task in ("Retrieval", "Reasoning", "Memory")}
    return found | {"AVG": sum(found[name] * part for name, part in zip(found, (800, 800, 600), strict=True)) / 2200}


EXPECTED: dict[str, Callable[[Items], dict[str, float]]] = {
    "final_comparison": lambda items: by_length(lambda at: documents(items, "docqa", at), ("64K", "128K"), "overall"),
    "extrapolation": lambda items: by_length(lambda at: documents(items, "longer", at), ("256K", "512K"), "overall"),
    "mm_niah": lambda items: by_length(lambda at: needles(items, at), ("64K", "128K"), "mean"),
    "vtcbench": rendered,
    "long_video": films,
    "short_context": short,
}
"""Table -> its columns recomputed from the items."""


def agree(table: str, runs: Runs, expected: dict[str, float], row: str) -> None:
    """Every column of a table has our value, an interval and a number of questions, and the paper's value beside it."""
    made = paper_table(table, runs)
    titles = {column.key: column.title for column in made.columns}
    for name, value in expected.items():
        cell = made.cell(row, name.replace(" ", "_"))
        assert cell.value == pytest.approx(100 * value), (table, name)
        assert cell.low is not None and cell.high is not None and cell.low <= cell.value <= cell.high
        assert made.cell(row, f"published_{name.replace(' ', '_')}").value
    own = [key for key in titles if key.replace("_", " ") in expected]
    assert len(own) == len(expected) and not any("Not evaluated" in note for note in made.notes)
    assert all("(n " in titles[key] for key in own if "±" not in titles[key])


def test_every_benchmark_is_asked_and_no_pool_is_read(everything: tuple[Runs, Items]):
    runs, items = everything
    loaders = {*plugins.names_in("mmprolong.evaluation.benchmarks")} - {"generated"}
    assert set(runs.plugins.values()) == loaders and set(items.benchmark) == runs.plugins.keys()
    assert not {"corpus", "selection", "render"} & runs.plan.points[0].steps.keys()
    assert set(items.value) >= {0.0, 1.0}


@pytest.mark.parametrize("table", EXPECTED)
def test_a_papers_table_is_built_from_the_cells(table: str, everything: tuple[Runs, Items]):
    runs, items = everything
    agree(table, runs, EXPECTED[table](items), BASES["qwen2_5_vl"])


def test_the_columns_of_orion_are_built_from_the_cells(everything: tuple[Runs, Items]):
    made = paper_table("orion_stages", everything[0])
    keys = ("VA", "LCA", "MMLBD-C", "MMLB_128K", "SlideVQA", "HELMET", "LBv2", "DUDE")
    assert all(made.cell(BASES["qwen2_5_vl"], key).value is not None for key in keys)


def test_qwen3_vl_has_its_tables(folder: Path):
    runs, items = evaluated(folder, "qwen3_vl", "mmprolong")
    expected = by_length(lambda at: needles(items, at), ("64K", "128K"), "overall")
    agree("qwen3_mm_niah", runs, expected, BASES["qwen3_vl"])
    names = ("LongDocURL", "SlideVQA")
    expected = by_length(lambda at: documents(items, "docqa", at, names), ("64K", "128K"), "overall")
    agree("qwen3_doc_vqa", runs, expected, BASES["qwen3_vl"])

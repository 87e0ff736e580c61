"""One suite of a generated benchmark and public ones, in their official format, from samples to the headline."""

import pytest

from mmprolong.evaluation.average import cell_means, headline, weighted_mean
from mmprolong.records import Reply, Score
from mmprolong.settings.data import Source
from mmprolong.settings.knobs import Evaluation, Model, View
from mmprolong.store.jsonl import read_jsonl
from tests.evaluation.official import (
    dude_record,
    icl_file,
    longdocurl_record,
    niah_record,
    vrag_record,
    write_dude,
    write_lines,
)
from tests.evaluation.test_benchmarks import doc_files, doc_record, docqa_files, docqa_record
from tests.evaluation.test_document_sets import LONGDOCURL
from tests.models.tiny import write_model
from tests.tiny_run import finish, folder_of, tiny_config

ONE = {"lengths": ["64K"]}
OTHERS = {
    "niah": ({"name": "mmlongbench_niah", "sets": ["retrieval-image"], **ONE}, "mmlongbench_tasks"),
    "vrag": ({"name": "mmlongbench_vrag", "sets": ["infoseek"], **ONE}, "mmlongbench_tasks"),
    "icl": ({"name": "mmlongbench_icl", "sets": ["cars196"], **ONE}, "mmlongbench"),
    "longdocurl": ("longdocurl", "longdocurl"),
    "dude": ("dude", "dude"),
}
"""Benchmark and scorer by their name in the suite."""


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> list[Score]:
    folder = tmp_path_factory.mktemp("suite")
    data = folder / "data"
    for length in (64, 128):
        docqa_files(data, f"mmlongdoc_K{length}.jsonl", *(docqa_record(id=number) for number in range(3)))
    doc_files(data, doc_record(), doc_record(question="Who?"))
    write_lines(
        data / "mmlb_data/NIAH/retrieval-image_test_K64_dep6.jsonl",
        niah_record(data, answer=0, choices_image=["a.jpg"]),
    )
    write_lines(data / "mmlb_data/vrag/infoseek_K64_dep3.jsonl", vrag_record(data))
    icl_file(data, "mmlb_data/ICL/cars196_K64.json")
    write_lines(data / LONGDOCURL, longdocurl_record(data))
    write_dude(data, dude_record(data))
    config = tiny_config(folder)
    config.model = Model(backbone="qwen2_5_vl", path=write_model("qwen2_5_vl", folder / "model"))
    config.view = View(dpi=30)
    config.sources["heldout"] = Source(writer="template", split="heldout", tasks=["ocr_full"], questions_per_task=1)
    config.suite.data_root = str(data)
    docqa = {"name": "mmlongbench_docqa", "sets": ["mmlongdoc"]}
    config.suite.benchmarks = {
        "generated": Evaluation(source="heldout", scorer="exact_match", new_tokens=2),
        "docqa": Evaluation(benchmark=docqa, scorer="mmlongbench_docqa_rule", new_tokens=2),
        "doc": Evaluation(benchmark="mmlongbench_doc", scorer="mmlongbench_doc", new_tokens=2),
        **{name: Evaluation(benchmark=each, scorer=scorer, new_tokens=2) for name, (each, scorer) in OTHERS.items()},
    }
    found: list[Score] = []
    for name in config.suite.benchmarks:
        finish(config, f"score.{name}")
        found += read_jsonl(folder_of(config, f"score.{name}") / "scores.jsonl", Score)
        replies = list(read_jsonl(folder_of(config, f"reply.{name}") / "replies.jsonl", Reply))
        assert replies and all(reply.reply_tokens <= 2 for reply in replies)
    return found


def test_every_benchmark_has_its_cells(scores: list[Score]):
    cells = {(score.benchmark, score.length) for score in scores}
    assert {("docqa", "64K"), ("docqa", "128K")} < cells
    assert {benchmark for benchmark, _ in cells} == {"generated", "docqa", "doc", *OTHERS}


def test_the_headline_gives_benchmarks_equal_shares_and_keeps_their_own_lengths(scores: list[Score]):
    means = cell_means(scores)
    average = headline(means, ["128K"])
    assert sum(average.values()) == pytest.approx(1)
    for benchmark in ("generated", "docqa", "doc", *OTHERS):
        share = sum(weight for cell, weight in average.items() if cell.benchmark == benchmark)
        assert share == pytest.approx(1 / 8)
    assert not any(cell.length == "64K" for cell in average if cell.benchmark == "docqa")
    assert weighted_mean(average, means) == pytest.approx(sum(means[cell] * part for cell, part in average.items()))

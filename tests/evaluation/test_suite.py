"""One suite of a generated benchmark and two public ones, in their official format, from samples to the headline."""

import pytest

from mmprolong.evaluation.average import cell_means, headline, weighted_mean
from mmprolong.records import Reply, Score
from mmprolong.settings.knobs import Evaluation, Model, Source, View
from mmprolong.store.jsonl import read_jsonl
from tests.evaluation.test_benchmarks import doc_files, doc_record, docqa_files, docqa_record
from tests.models.tiny import write_model
from tests.tiny_run import finish, folder_of, tiny_config


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> list[Score]:
    folder = tmp_path_factory.mktemp("suite")
    data = folder / "data"
    for length in (64, 128):
        docqa_files(data, f"mmlongdoc_K{length}.jsonl", *(docqa_record(id=number) for number in range(3)))
    doc_files(data, doc_record(), doc_record(question="Who?"))
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
    assert {benchmark for benchmark, _ in cells} == {"generated", "docqa", "doc"}


def test_the_headline_gives_benchmarks_equal_shares_and_keeps_their_own_lengths(scores: list[Score]):
    means = cell_means(scores)
    average = headline(means, ["128K"])
    assert sum(average.values()) == pytest.approx(1)
    for benchmark in ("generated", "docqa", "doc"):
        share = sum(weight for cell, weight in average.items() if cell.benchmark == benchmark)
        assert share == pytest.approx(1 / 3)
    assert not any(cell.length == "64K" for cell in average)
    assert weighted_mean(average, means) == pytest.approx(sum(means[cell] * part for cell, part in average.items()))

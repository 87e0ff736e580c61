import json
from math import nan
from pathlib import Path
from typing import Any

import pytest

from mmprolong import plugins
from mmprolong.conversations import Image, Message, Pages, Text, images_of
from mmprolong.errors import ConfigError, DataError
from mmprolong.evaluation.benchmarks import Benchmark, Inputs
from mmprolong.evaluation.benchmarks._mmlongbench import drawn
from mmprolong.evaluation.benchmarks.generated import Generated
from mmprolong.evaluation.benchmarks.mmlongbench_doc import MMLongBenchDoc
from mmprolong.evaluation.benchmarks.mmlongbench_docqa import MMLongBenchDocQA
from mmprolong.images.image_files import FileImages
from mmprolong.images.renderer import find_renderer
from mmprolong.records import Example, Gold, Reject, Sample, Score
from mmprolong.store.jsonl import write_jsonl
from tests.corpus.pdfs import write_pdf
from tests.images.pictures import write_picture

BENCHMARKS = "mmprolong.evaluation.benchmarks"


def samples(benchmark: Benchmark, inputs: Inputs) -> tuple[list[Sample], list[Reject]]:
    found = list(benchmark.samples("docs", inputs))
    return [each for each in found if isinstance(each, Sample)], [each for each in found if isinstance(each, Reject)]


def score(value: float, length: str = "64K", task: str = "t", target: str = "a", parsed: str = "a") -> Score:
    return Score(
        sample="s",
        benchmark="b",
        task=task,
        length=length,
        cluster="c",
        target=target,
        value=value,
        parsed=parsed,
    )


def example(name: str, pages: Pages, length: str = "", gold: int = 2) -> Example:
    turns = [Message("user", (Text("Before"), pages, Text("First?"))), Message("assistant", (Text("1", learned=True),))]
    turns += [Message("user", (Text("Second?"),)), Message("assistant", (Text("2", learned=True),))]
    return Example(
        id=name,
        task="extract",
        cluster="doc",
        sources=("doc",),
        conversations={"answer": (Message("system", (Text("Be brief."),)), *turns)},
        gold=tuple(Gold(str(place), evidence=(3 * place, 4)) for place in range(gold)),
        length=length,
        facts={"evidence": "Table"},
    )


def test_every_question_of_an_example_is_asked_on_its_own_after_the_images(tmp_path: Path):
    pages = Pages("pdf:a", 2, 6)
    write_jsonl(tmp_path / "examples.jsonl", [example("e", pages)])
    (first, second), _ = samples(Generated(), Inputs(synthesis=tmp_path))
    assert first.prompt == (
        Message("system", (Text("Be brief."),)),
        Message("user", (pages, Text("Before"), Text("First?"))),
    )
    assert second.prompt[1].parts == (pages, Text("Second?"))
    assert (first.id, first.benchmark, first.task, first.cluster) == ("e-0", "docs", "extract", "doc")
    assert second.gold == Gold("1", evidence=(3, 4))
    assert second.facts == {"evidence": "Table", "depth": 0.75, "question": "Second?"}


@pytest.mark.parametrize(("pages", "length"), [(1, "1p"), (2, "2p"), (3, "4p"), (64, "64p"), (65, "128p")])
def test_a_length_that_nobody_asked_for_is_the_power_of_two_that_holds_the_pages(
    pages: int, length: str, tmp_path: Path
):
    asked = [example("a", Pages("pdf:a", 0, pages - 1)), example("b", Pages("pdf:a", 0, pages - 1), "4x")]
    write_jsonl(tmp_path / "examples.jsonl", asked)
    found, _ = samples(Generated(), Inputs(synthesis=tmp_path))
    assert [each.length for each in found] == [length, length, "4x", "4x"]


def test_an_example_without_gold_for_every_answer_is_refused(tmp_path: Path):
    write_jsonl(tmp_path / "examples.jsonl", [example("e", Pages("pdf:a", 0, 3), gold=1)])
    assert samples(Generated(), Inputs(synthesis=tmp_path))[1][0].detail == "2 answers, 1 gold"


def test_macro_counts_every_length_alike_and_micro_every_question():
    scores = [score(1), score(0), score(0), score(1, task="u"), score(1, "128K")]
    assert Generated().aggregate(scores) == {"macro": pytest.approx((2 / 3 + 1) / 2), "micro": 0.6}


def docqa_record(**changed: Any) -> dict[str, Any]:
    """A record of documentQA in the official format: two own pages between two of another document."""
    pages = ["other_document/other_document_page0.jpg"]
    pages += [f"a_document_with_a_long_name/a_document_with_a_long_name_page{page}.jpg" for page in (4, 5)]
    pages += ["other_document/other_document_page9.jpg"]
    record = {
        "id": 17,
        "doc_name": "a_document_with_a_long_name",
        "question": "How many?",
        "answer": '["1", "b"]',
        "answer_format": "List",
        "answer_sources": ["Table", "Chart"],
        "ans_page_list": [5],
        "page_list": [f"mmlongbench-doc/{page}" for page in pages],
    }
    return {**record, **changed}


def docqa_files(root: Path, name: str, *records: Any) -> Inputs:
    folder = root / "mmlb_data" / "documentQA"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    for record in records:
        for page in record.get("page_list", ()):
            if not (root / "mmlb_image" / page).exists():
                write_picture(root / "mmlb_image" / page)
    return Inputs(data_root=root)


ONE = MMLongBenchDocQA(sets=("mmlongdoc",), lengths=("64K",))


def test_docqa_asks_in_the_official_words(tmp_path: Path):
    inputs = docqa_files(tmp_path, "mmlongdoc_K64.jsonl", docqa_record())
    (asked,), rejects = samples(ONE, inputs)
    assert not rejects
    text = "".join(part.text if isinstance(part, Text) else "<image>" for part in asked.prompt[0].parts)
    assert text.startswith("You are given a document with text and images, and a question. Answer the question as ")
    assert text.endswith(
        "\nAnswer: [answer]\n\nDocument other_document: <image>\n\nDocument a_document_with: <image>\n\n"
        "Document a_document_with: <image>\n\nDocument other_document: <image>\n\n"
        "Question: Based on Document a_document_with, answer the following question. How many?"
    )
    assert asked.prompt[1:] == (Message("assistant", (Text("Answer:"),)),)
    assert (asked.task, asked.length, asked.cluster) == ("mmlongdoc", "64K", "mmlongdoc/a_document_with_a_long_name")
    assert asked.gold == Gold('["1", "b"]', "List", evidence=(2,))
    assert asked.facts["depth"] == pytest.approx(2 / 3) and asked.facts["evidence"] == "Table, Chart"
    pages = FileImages(tmp_path, find_renderer("pymupdf"))
    assert [pages.size(image) for image in images_of(asked.prompt)] == [(40, 30)] * 4


def test_slides_are_numbered_from_1(tmp_path: Path):
    pages = [f"slideVQA/deck-2/deck-2-{number}-1024.jpg" for number in (1, 2, 3)]
    record = docqa_record(doc_name="deck-2", page_list=pages, ans_page_list=[0, 2], answer_format="String")
    inputs = docqa_files(tmp_path, "slidevqa_K8.jsonl", record)
    ((asked,), _) = samples(MMLongBenchDocQA(sets=("slidevqa",), lengths=("8K",)), inputs)
    assert asked.gold.evidence == (0, 2)


def test_official_sampling_is_the_shuffle_of_datasets():
    assert drawn(8) == [3, 4, 2, 7, 6, 1, 5, 0]
    assert len(drawn(961)) == 100 and len(set(drawn(961))) == 100
    assert sorted(drawn(40)) == list(range(40))


def test_official_sampling_takes_a_hundred_and_ours_all(tmp_path: Path):
    records = [docqa_record(id=number) for number in range(130)]
    inputs = docqa_files(tmp_path, "mmlongdoc_K64.jsonl", *records)
    official = MMLongBenchDocQA(sets=("mmlongdoc",), lengths=("64K",), sampling="official")
    assert [each.facts["id"] for each in samples(official, inputs)[0]] == [str(number) for number in drawn(130)]
    assert len({each.id for each in samples(ONE, inputs)[0]}) == 130


def test_a_line_that_is_no_record_is_counted(tmp_path: Path):
    inputs = docqa_files(tmp_path, "mmlongdoc_K64.jsonl", docqa_record(), {"id": 1})
    found, rejects = samples(ONE, inputs)
    assert len(found) == 1
    assert (rejects[0].what, rejects[0].reason) == ("mmlongdoc_K64.jsonl:2 (id 1)", "not an official record")
    assert "doc_name" in rejects[0].detail


def test_a_question_without_one_of_its_images_is_counted(tmp_path: Path):
    inputs = docqa_files(tmp_path, "mmlongdoc_K64.jsonl", docqa_record(), docqa_record(id=18, page_list=["a/b.jpg"]))
    (tmp_path / "mmlb_image" / "a" / "b.jpg").unlink()
    found, (reject,) = samples(ONE, inputs)
    assert len(found) == 1
    assert (reject.what, reject.reason) == ("mmlongdoc_K64.jsonl:2 (id 18)", "image is not there")


def test_a_negative_page_is_counted_and_its_question_asked(tmp_path: Path):
    inputs = docqa_files(tmp_path, "mmlongdoc_K64.jsonl", docqa_record(ans_page_list=[-1, 5]))
    (asked,), (reject,) = samples(ONE, inputs)
    assert asked.gold.evidence == (2,)
    assert (reject.what, reject.reason) == ("mmlongdoc_K64.jsonl:1 (id 17)", "negative page")


def test_a_second_question_with_one_id_is_counted(tmp_path: Path):
    found, rejects = samples(ONE, docqa_files(tmp_path, "mmlongdoc_K64.jsonl", docqa_record(), docqa_record()))
    assert len(found) == 1 and [reject.reason for reject in rejects] == ["duplicate id"]


def test_a_missing_data_set_is_named_with_its_licence_and_what_is_expected(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"suite\.data_root: empty; .*mmlongdoc_K64.jsonl of MMLongBench v1.1 \(lic"):
        samples(ONE, Inputs())
    with pytest.raises(ConfigError, match=r"mmlongdoc_K64.jsonl is not there; .* \(licence MIT, https://huggingface"):
        samples(ONE, Inputs(data_root=tmp_path))
    inputs = docqa_files(tmp_path, "mmlongdoc_K64.jsonl", docqa_record())
    (tmp_path / "mmlb_image").rename(tmp_path / "images")
    with pytest.raises(ConfigError, match=r"mmlb_image is not there; .* \(licence MIT"):
        samples(ONE, inputs)
    with pytest.raises(ConfigError, match=r"MMLongBench-Doc \(licence CC-BY-NC-4\.0"):
        samples(MMLongBenchDoc(), Inputs(data_root=tmp_path))
    with pytest.raises(ConfigError, match=r"suite\.benchmarks\.docs\.source: empty"):
        samples(Generated(), Inputs())


def doc_record(**changed: Any) -> dict[str, Any]:
    """A record of MMLongBench-Doc in the official format."""
    record = {
        "doc_id": "report.pdf",
        "doc_type": "Research report / Introduction",
        "question": "How do they fare?",
        "answer": "Less well-off",
        "evidence_pages": "[2, 3]",
        "evidence_sources": "['Chart', 'Table']",
        "answer_format": "Str",
    }
    return {**record, **changed}


def doc_files(root: Path, *records: Any, title: str = "MMLongBench-Doc") -> Inputs:
    write_pdf(root / title / "data" / "documents" / "report.pdf", ["a", "b", "c"])
    (root / title / "data" / "samples.json").write_text(json.dumps(records))
    return Inputs(data_root=root)


def test_mmlongbench_doc_asks_first_and_shows_the_pages_after(tmp_path: Path):
    ((asked,), _) = samples(MMLongBenchDoc(), doc_files(tmp_path, doc_record()))
    source = "file:MMLongBench-Doc/data/documents/report.pdf"
    assert asked.prompt == (Message("user", (Text("How do they fare?"), Pages(source, 0, 2))),)
    assert asked.gold == Gold("Less well-off", "Str", evidence=(1, 2))
    assert (asked.length, asked.cluster) == ("4p", "report.pdf")
    assert asked.facts["document"] == "Research report / Introduction" and asked.facts["depth"] == 0.5
    assert FileImages(tmp_path, find_renderer("pymupdf"), 144).size(Image(source, 2)) == (600, 800)


def test_only_the_first_pages_are_shown(tmp_path: Path):
    ((asked,), _) = samples(MMLongBenchDoc(max_pages=2), doc_files(tmp_path, doc_record()))
    assert len(list(images_of(asked.prompt))) == 2
    assert asked.gold.evidence == (1,), "the third page is not shown"


def test_a_document_that_cannot_be_read_costs_its_questions_only(tmp_path: Path):
    records = [doc_record(), doc_record(doc_id="none.pdf"), doc_record(evidence_pages="two"), doc_record(doc_id="../x")]
    records.append(doc_record(answer=nan))
    found, rejects = samples(MMLongBenchDoc(), doc_files(tmp_path, *records))
    assert len(found) == 1
    ids = "none.pdf", "report.pdf", "../x", "report.pdf"
    assert [reject.what for reject in rejects] == [f"samples.json[{n}] (id {id_})" for n, id_ in enumerate(ids, 1)]
    unread, broken = "document cannot be read", "not an official record"
    assert [reject.reason for reject in rejects] == [unread, broken, unread, broken]


def test_a_file_of_questions_that_is_none_is_named(tmp_path: Path):
    inputs = doc_files(tmp_path)
    (tmp_path / "MMLongBench-Doc" / "data" / "samples.json").write_text("[{")
    with pytest.raises(DataError, match=r"samples\.json: .*; expected the official questions"):
        samples(MMLongBenchDoc(), inputs)


def test_the_second_edition_has_its_own_folder_and_more_words_for_unanswerable(tmp_path: Path):
    inputs = doc_files(tmp_path, doc_record(), title="MMLongBench-Doc-V2")
    assert samples(MMLongBenchDoc(edition="V2"), inputs)[0][0].task == "MMLongBench-Doc-V2"
    scores = [score(1), score(1, target="Not answerable or 0 or none", parsed="Not answerable")]
    assert MMLongBenchDoc(edition="V2").aggregate(scores)["precision"] == 1
    assert MMLongBenchDoc().aggregate(scores)["precision"] == 2


def test_f1_of_mmlongbench_doc():
    """Recall over answerable questions, precision over answers that do not abstain in exactly these words."""
    none = {"target": "Not answerable", "value": 1.0}
    scores = [score(1), score(0.5), score(0, parsed="Not answerable"), score(**none, parsed="Not answerable")]
    scores += [score(**none, parsed="not answerable")]
    found = MMLongBenchDoc().aggregate(scores)
    assert (found["micro"], found["recall"], found["precision"], found["f1"]) == (0.7, 0.5, 0.5, 0.5)


def test_a_benchmark_gives_the_same_questions_again(tmp_path: Path):
    inputs = docqa_files(tmp_path, "mmlongdoc_K64.jsonl", *(docqa_record(id=number) for number in range(120)))
    sampled = MMLongBenchDocQA(sets=("mmlongdoc",), lengths=("64K",), sampling="official")
    assert list(sampled.samples("a", inputs)) == list(sampled.samples("a", inputs))


def test_every_benchmark_is_a_plugin_with_defaults():
    for name in plugins.names_in(BENCHMARKS):
        assert plugins.identity(BENCHMARKS, name, "benchmark")["version"] >= 1


@pytest.mark.parametrize("option", [{"lengths": ["64k"]}, {"sets": ["docvqa"]}, {"sampling": "some"}])
def test_an_option_outside_its_choices_is_refused(option: dict):
    with pytest.raises(ConfigError, match="suite"):
        plugins.make(BENCHMARKS, {"name": "mmlongbench_docqa", **option}, "suite")

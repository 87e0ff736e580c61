"""LongDocURL, SlideVQA, DUDE and the editions of MMLongBench-Doc, read from files in the official format."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest

from mmprolong.conversations import Message, Pages, Text
from mmprolong.errors import ConfigError, DataError
from mmprolong.evaluation.benchmarks.dude import DUDEBenchmark
from mmprolong.evaluation.benchmarks.longdocurl import LongDocURLBenchmark
from mmprolong.evaluation.benchmarks.mmlongbench_doc import MMLongBenchDoc
from mmprolong.evaluation.benchmarks.slidevqa import SlideVQABenchmark
from mmprolong.records import Gold, Score
from tests.corpus.pdfs import encrypt
from tests.evaluation.official import (
    asked,
    dude_record,
    longdocurl_record,
    seen,
    slidevqa_record,
    write_dude,
    write_lines,
)
from tests.evaluation.test_benchmarks import doc_files, doc_record

LONGDOCURL = "LongDocURL/LongDocURL_public_with_subtask_category.jsonl"
SLIDES = "SlideVQA/annotations/qa/test.jsonl"


def score(value: float, target: str = "a", **more: Any) -> Score:
    made = Score(sample="s", benchmark="b", task="t", length="4p", cluster="c", target=target, value=value, parsed="a")
    return replace(made, **more)


def test_longdocurl_asks_first_and_numbers_the_images(tmp_path: Path):
    write_lines(tmp_path / LONGDOCURL, longdocurl_record(tmp_path))
    ((sample,), rejects) = asked(LongDocURLBenchmark(), tmp_path)
    assert not rejects
    assert seen(sample) == (
        "You are an expert in visual document question-answering, please answer our questions based on the given "
        "images.\nFollowing is our question: \n<question>How many criteria are there?</question>\n"
        "Below is the 1-th image (total 3 images).\n<image>Below is the 2-th image (total 3 images).\n<image>"
        "Below is the 3-th image (total 3 images).\n<image>"
    )
    assert sample.gold == Gold(5, "Integer", evidence=(1,))
    assert (sample.length, sample.cluster) == ("4p", "4055915")
    assert (sample.facts["kind"], sample.facts["evidence"], sample.facts["depth"]) == ("Reasoning", "Table, Text", 0.5)


def test_longdocurls_accuracy_is_that_of_its_questions_and_of_each_kind():
    scores = [score(1, facts={"kind": "Locating"}), score(0, facts={"kind": "Reasoning"})]
    found = LongDocURLBenchmark().aggregate(scores)
    assert found == {"micro": 0.5, "rectified": 1 / 2325, "locating": 1, "reasoning": 0}


def test_broken_records_of_longdocurl_cost_themselves_alone(tmp_path: Path):
    good = longdocurl_record(tmp_path)
    other = {**good, "question_id": "b", "evidence_pages": [-4, 42]}
    missing = {**good, "question_id": "c", "images": ["/x/pdf_pngs/../../secret.png"]}
    write_lines(tmp_path / LONGDOCURL, good, "", "{", good, other, missing, {"question_id": "d"})
    samples, rejects = asked(LongDocURLBenchmark(), tmp_path)
    assert [sample.facts["id"] for sample in samples] == ["free_4055915_42_44_8", "b"]
    assert samples[1].gold.evidence == (0,)
    name = LONGDOCURL.rpartition("/")[2]
    assert [(reject.what, reject.reason) for reject in rejects] == [
        (f"{name}:3", "not an official record"),
        (f"{name}:4 (id free_4055915_42_44_8)", "duplicate id"),
        (f"{name}:5 (id b)", "negative page"),
        (f"{name}:6 (id c)", "image is not there"),
        (f"{name}:7 (id d)", "not an official record"),
    ]


def test_slidevqa_shows_the_deck_then_asks(tmp_path: Path):
    write_lines(
        tmp_path / SLIDES, slidevqa_record(tmp_path), slidevqa_record(tmp_path), slidevqa_record(tmp_path, qa_id=0)
    )
    ((sample, zero), (reject,)) = asked(SlideVQABenchmark(), tmp_path)
    assert seen(sample).startswith("<image><image><image>Answer the question") and seen(sample).endswith("grew most?")
    assert sample.gold == Gold("mobile traffic", "F1", evidence=(1, 2))
    assert (sample.cluster, sample.facts["kind"], zero.facts["id"]) == ("growth", "Multi-Hop", "0")
    assert (reject.what, reject.reason) == ("test.jsonl:2 (id 11)", "duplicate id")


def test_the_guides_program_unpacks_the_hubs_tables_of_slides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    guide = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    record = slidevqa_record(tmp_path / "made")
    (slide,) = (tmp_path / "made").rglob("growth-1-1024.jpg")
    row = {key: record[key] for key in record if key != "image_urls"}
    row |= {f"page_{number}": {"bytes": slide.read_bytes(), "path": None} for number in range(1, 21)}
    (tmp_path / "data").mkdir()
    pandas.DataFrame([row]).to_parquet(tmp_path / "data" / "test-00000-of-00001.parquet")
    monkeypatch.chdir(tmp_path)
    exec(program, {})
    ((sample,), rejects) = asked(SlideVQABenchmark(), tmp_path)
    assert not rejects and seen(sample).count("<image>") == 20 and sample.gold.evidence == (1, 2)


def test_slidevqa_averages_what_its_scorer_gives_beside_the_f1():
    found = SlideVQABenchmark().aggregate([score(1, also={"EM": 1}), score(0.5, also={"EM": 0})])
    assert found == {"micro": 0.75, "EM": 0.5}


def test_dude_shows_pages_then_asks_and_names_the_type_of_answer(tmp_path: Path):
    write_dude(tmp_path, dude_record(tmp_path), dude_record(tmp_path, questionId="t", data_split="test", answers=[]))
    ((sample,), rejects) = asked(DUDEBenchmark(), tmp_path)
    assert not rejects
    source = "file:DUDE/DUDE_train-val-test_binaries/PDF/val/7afe.pdf"
    assert sample.prompt[0].parts[0] == Pages(source, 0, 2) and seen(sample).endswith("Question: When was it signed?")
    assert sample.gold == Gold(["1894"], "extractive", evidence=(1,))
    assert (sample.length, sample.cluster) == ("4p", "7afe")


def test_a_pdf_that_cannot_be_read_costs_its_questions_alone(tmp_path: Path):
    good = dude_record(tmp_path)
    folder = tmp_path / "DUDE" / "DUDE_train-val-test_binaries" / "PDF" / "val"
    (folder / "locked.pdf").write_bytes((folder / "7afe.pdf").read_bytes())
    encrypt(folder / "locked.pdf")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 no more")
    broken = [{**good, "docId": name, "questionId": name} for name in ("locked", "broken", "none")]
    write_dude(tmp_path, *broken, good, good, {**good, "questionId": "n", "answers": 3})
    samples, rejects = asked(DUDEBenchmark(), tmp_path)
    assert [sample.facts["id"] for sample in samples] == ["7afe_4a86"]
    name = "2023-03-23_DUDE_gt_test_PUBLIC.json"
    assert [(reject.what, reject.reason) for reject in rejects] == [
        (f"{name}[0] (id locked)", "document cannot be read"),
        (f"{name}[1] (id broken)", "document cannot be read"),
        (f"{name}[2] (id none)", "document cannot be read"),
        (f"{name}[4] (id 7afe_4a86)", "duplicate id"),
        (f"{name}[5] (id n)", "not an official record"),
    ]


def test_a_file_without_data_is_named(tmp_path: Path):
    dude_record(tmp_path)
    write_dude(tmp_path).write_text('{"dataset_name": "DUDE Dataset"}')
    with pytest.raises(DataError, match=r"PUBLIC\.json: no list 'data'; expected"):
        asked(DUDEBenchmark(), tmp_path)


def test_the_second_edition_reads_the_pdfs_of_the_first(tmp_path: Path):
    doc_files(tmp_path, doc_record())
    corrected = doc_record(answer="Better off", evidence_pages="[0, 3]")
    (tmp_path / "MMLongBench-Doc-V2" / "data").mkdir(parents=True)
    (tmp_path / "MMLongBench-Doc-V2" / "data" / "samples.json").write_text(json.dumps([corrected]))
    ((sample,), rejects) = asked(MMLongBenchDoc(edition="V2"), tmp_path)
    assert not rejects, "page 0 is a fault of the set, and no reason to leave its question out"
    assert sample.prompt[0].parts[1] == Pages("file:MMLongBench-Doc/data/documents/report.pdf", 0, 2)
    assert sample.gold.evidence == (2,) and sample.task == "MMLongBench-Doc-V2"


def test_the_correction_is_read_from_a_table_as_well(tmp_path: Path):
    doc_files(tmp_path, doc_record())
    folder = tmp_path / "MMLBD-C" / "data"
    folder.mkdir(parents=True)
    records = [doc_record(), doc_record(evidence_pages="[-2]"), doc_record(doc_id=None)]
    pandas.DataFrame(records).to_parquet(folder / "test-00000-of-00001.parquet")
    samples, rejects = asked(MMLongBenchDoc(edition="MMLBD-C"), tmp_path)
    assert [sample.id for sample in samples] == ["MMLBD-C-0", "MMLBD-C-1"]
    assert samples[0].prompt == (
        Message("user", (Text("How do they fare?"), Pages("file:MMLongBench-Doc/data/documents/report.pdf", 0, 2))),
    )
    table = "test-00000-of-00001.parquet"
    assert [(reject.what, reject.reason) for reject in rejects] == [
        (f"{table}[1] (id report.pdf)", "negative page"),
        (f"{table}[2]", "not an official record"),
    ]
    (folder / table).write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"parquet: .*; expected the official questions"):
        asked(MMLongBenchDoc(edition="MMLBD-C"), tmp_path)


def test_a_judges_word_on_abstaining_counts_before_the_spelling():
    scores = [score(1, also={"abstained": 0.0}), score(0, also={"abstained": 1.0})]
    assert MMLongBenchDoc(edition="V2").aggregate(scores)["precision"] == 1


def test_accuracy_is_given_by_the_number_of_pages():
    scores = [score(1, facts={"evidence_pages": 1}), score(0, facts={"evidence_pages": 2})]
    scores.append(score(1, target="Not answerable", facts={"evidence_pages": 0}))
    found = MMLongBenchDoc().aggregate(scores)
    assert (found["single_page"], found["cross_page"], found["unanswerable"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("benchmark", "said"),
    [
        (LongDocURLBenchmark(), rf"{LONGDOCURL} of LongDocURL \(licence Apache-2\.0"),
        (SlideVQABenchmark(), rf"{SLIDES} of SlideVQA \(licence NTT"),
        (DUDEBenchmark(), r"DUDE/2023-03-23_DUDE_gt_test_PUBLIC\.json of DUDE \(licence CC-BY-4\.0"),
        (MMLongBenchDoc(edition="MMLBD-C"), r"MMLBD-C/data/samples\.json of MMLBD-C \(licence"),
    ],
)
def test_what_is_missing_is_named_with_data_set_and_licence(benchmark: Any, said: str, tmp_path: Path):
    with pytest.raises(ConfigError, match=rf"suite\.data_root: .* is not there; put {said}"):
        asked(benchmark, tmp_path)

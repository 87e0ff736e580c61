"""MMLongBench's other groups of tasks, read from files in the official format."""

import random
from math import nan
from pathlib import Path
from typing import Any

import pytest

from mmprolong.conversations import Message, Text, images_of
from mmprolong.errors import ConfigError, DataError
from mmprolong.evaluation.benchmarks.mmlongbench_icl import MMLongBenchICL
from mmprolong.evaluation.benchmarks.mmlongbench_niah import MMLongBenchNIAH
from mmprolong.evaluation.benchmarks.mmlongbench_summ import MMLongBenchSumm
from mmprolong.evaluation.benchmarks.mmlongbench_vlmevalkit import MMLongBenchVLMEvalKit
from mmprolong.evaluation.benchmarks.mmlongbench_vrag import MMLongBenchVRAG
from mmprolong.records import Gold
from tests.evaluation.official import (
    ANSWER,
    asked,
    icl_file,
    right,
    seen,
    tsv_row,
    vrag_record,
    write_images,
    write_lines,
    write_tsv,
)


def rag_file(root: Path, name: str, *records: Any) -> Path:
    return write_lines(root / "mmlb_data" / "vrag" / name, *records)


def test_visual_rag_shows_passages_then_the_image_and_its_question(tmp_path: Path):
    rag_file(tmp_path, "infoseek_K8_dep3.jsonl", vrag_record(tmp_path))
    ((sample,), rejects) = asked(MMLongBenchVRAG(sets=("infoseek",), lengths=("8K",)), tmp_path)
    assert not rejects
    assert seen(sample).endswith(
        "Document (Title: Title 1): Passage 1.\n\nDocument (Title: Title 2): Passage 2.\n\n"
        "Question: <image>Who built this?"
    )
    assert sample.gold == Gold(["Eiffel", "Gustave Eiffel"], "sub_em") and sample.facts["depth"] == 0.5
    assert right(sample, " It was Gustave Eiffel.") == 1


def test_triviaqa_asks_viquae_in_words(tmp_path: Path):
    rag_file(tmp_path, "viquae_K8_dep6.jsonl", vrag_record(tmp_path), vrag_record(tmp_path, original_question="", id=2))
    ((sample,), (reject,)) = asked(MMLongBenchVRAG(sets=("triviaqa",), lengths=("8K",)), tmp_path)
    assert "<image>" not in seen(sample) and seen(sample).endswith("Question: Who built the Eiffel Tower?")
    assert reject.what == "viquae_K8_dep6.jsonl:2 (id 2)"


def test_official_sampling_leaves_out_images_with_a_double_quote_in_their_path(tmp_path: Path):
    records = [vrag_record(tmp_path, id=number) for number in range(3)]
    rag_file(tmp_path, "viquae_K8_dep6.jsonl", *records, vrag_record(tmp_path, id=3, image='vrag/a "tower".jpg'))
    every = MMLongBenchVRAG(sets=("viquae",), lengths=("8K",))
    official = MMLongBenchVRAG(sets=("viquae",), lengths=("8K",), sampling="official")
    assert len(asked(every, tmp_path)[0]) == 4 and len(asked(official, tmp_path)[0]) == 3


def test_an_order_of_passages_is_no_duplicate_but_the_same_order_is(tmp_path: Path):
    record = vrag_record(tmp_path)
    other = vrag_record(tmp_path, ctxs=record["ctxs"][::-1])
    rag_file(tmp_path, "infoseek_K8_dep3.jsonl", record, other, record)
    samples, (reject,) = asked(MMLongBenchVRAG(sets=("infoseek",), lengths=("8K",)), tmp_path)
    assert len(samples) == 2 and reject.reason == "duplicate id"


CARS = "mmlb_data/ICL/cars196_K8.json"
ICL = MMLongBenchICL(sets=("cars196",), lengths=("8K",))


def test_many_shot_learning_shows_labelled_images_and_asks_for_a_label(tmp_path: Path):
    icl_file(tmp_path, CARS)
    samples, _ = asked(ICL, tmp_path)
    text = seen(samples[1])
    assert text.count("<image>\nlabel: 0\n\n") + text.count("<image>\nlabel: 1\n\n") == 4
    assert 'Only output "label: {label}"' in text and text.endswith("\n\nNow classify this image: <image>")
    assert samples[1].prompt[1] == Message("assistant", (Text("label:"),))
    assert samples[1].gold == Gold(1, "cls_acc") and right(samples[1], " 1") == 1 and right(samples[1], " 0") == 0


def test_examples_are_drawn_as_the_official_code_does_in_one_process(tmp_path: Path):
    (content,) = icl_file(tmp_path, CARS, questions=130).values()
    rng, tests = random.Random(42), content["test_example"]
    rng.shuffle(tests)
    samples, _ = asked(MMLongBenchICL(sets=("cars196",), lengths=("8K",), sampling="official"), tmp_path)
    assert [sample.facts["id"] for sample in samples] == [str(each["id"]) for each in tests[:100]]
    for sample in samples[:5]:
        rounds = rng.choice(content["exemplar_list"])
        for each in rounds:
            rng.shuffle(each)
        shown = [image.source for image in images_of(sample.prompt)]
        assert shown[:4] == [f"file:mmlb_image/{each['image']}" for one in rounds for each in one]


def test_a_broken_question_of_a_domain_is_counted_and_a_broken_file_named(tmp_path: Path):
    content = icl_file(tmp_path, CARS)
    tests = content["cars"]["test_example"]
    icl_file(tmp_path, CARS, test_example=[tests[0], {"image": 3}, {**tests[1], "answer": nan}, tests[1], tests[1]])
    samples, rejects = asked(ICL, tmp_path)
    assert [sample.facts["id"] for sample in samples] == ["0", "1"]
    assert [reject.what for reject in rejects] == [
        "cars196_K8.json[cars][1]",
        "cars196_K8.json[cars][2] (id 1)",
        "cars196_K8.json[cars][4] (id 1)",
    ]
    (tmp_path / CARS).write_text('{"cars": {"test_example": []}}')
    assert asked(ICL, tmp_path)[1][0].what == "cars196_K8.json[cars]"
    (tmp_path / CARS).write_text("{")
    with pytest.raises(DataError, match=r"cars196_K8\.json: .*; expected the official questions"):
        asked(ICL, tmp_path)


def summ_record(root: Path, **changed: Any) -> dict[str, Any]:
    images = [f"gov-report/GAO-10/GAO-10_page{number}.jpg" for number in (0, 1)]
    write_images(root / "mmlb_image", images)
    summary = [
        {"section_title": "Why", "paragraphs": ["A law.", "A plan."]},
        {"section_title": "What", "paragraphs": []},
    ]
    return {"id": "g1", "url": "", "image_list": images, "summary": summary, "length": 8000, **changed}


def test_a_report_is_shown_page_by_page_and_carries_the_experts_points(tmp_path: Path):
    write_lines(
        tmp_path / "mmlb_data/summ/gov_K8.jsonl", summ_record(tmp_path), summ_record(tmp_path, image_list=["x"])
    )
    write_lines(tmp_path / "mmlb_data/summ/gov_claims.jsonl", {"id": "g1", "claims": ["There is a law."]})
    ((sample,), (reject,)) = asked(MMLongBenchSumm(sets=("gov",), lengths=("8K",)), tmp_path)
    assert (
        "Government Report:\nDocument GAO-10 (page 0): <image>\n\nDocument GAO-10 (page 1): <image>\n\nNow please "
    ) in seen(sample)
    assert sample.gold == Gold("Why:\nA law.\nA plan.\n\nWhat:\n", "rouge:rougeLsum_f1")
    assert sample.facts["claims"] == '["There is a law."]'
    assert sample.prompt[1] == Message("assistant", (Text("Summary:"),))
    assert (reject.what, reject.reason) == ("gov_K8.jsonl:2 (id g1)", "duplicate id")


def test_a_lawsuits_summary_is_its_text(tmp_path: Path):
    write_lines(tmp_path / "mmlb_data/summ/lexsum_K8.jsonl", summ_record(tmp_path, summary="They settled."))
    ((sample,), _) = asked(MMLongBenchSumm(sets=("lexsum",), lengths=("8K",)), tmp_path)
    assert sample.gold.answer == "They settled." and "claims" not in sample.facts


def test_vlmevalkits_table_has_whole_prompts(tmp_path: Path):
    needle = {"task": "NIAH", "source_dataset": "vh_single", "extra_info": '{"answer": "Yes"}', "index": "1"}
    write_tsv(tmp_path / "MMLongBench_256K.tsv", tsv_row(tmp_path), tsv_row(tmp_path, **needle))
    ((sample,), _) = asked(MMLongBenchVLMEvalKit(lengths=("256K",)), tmp_path)
    assert seen(sample).endswith("Document 40: <image>\n\nDocument 41: <image>\n\nQuestion: ?")
    assert sample.gold == Gold("5", "Integer", evidence=(1,))
    assert (sample.task, sample.length, sample.cluster) == ("longdocurl", "256K", "longdocurl/41")
    assert sample.prompt[1:] == ANSWER and sample.facts["question"] == "How many?"
    ((needle_sample,), _) = asked(MMLongBenchVLMEvalKit(tasks=("NIAH",), lengths=("256K",), begun=False), tmp_path)
    assert needle_sample.gold == Gold("Yes", "binary_acc") and needle_sample.facts["default_answer"] == 1
    assert len(needle_sample.prompt) == 1


def test_broken_rows_of_a_table_are_counted(tmp_path: Path):
    path = tmp_path / "MMLongBench_256K.tsv"
    rows = [{"image_path": "[3"}, {"image_path": '["none.jpg", "none.jpg"]'}, {"extra_info": "{"}, {"index": "0"}]
    write_tsv(
        path, tsv_row(tmp_path), *(tsv_row(tmp_path, **{"index": str(n), **row}) for n, row in enumerate(rows, 1))
    )
    with path.open("a") as file:
        file.write("9\tonly two\n")
    samples, rejects = asked(MMLongBenchVLMEvalKit(lengths=("256K",)), tmp_path)
    assert len(samples) == 1
    assert [reject.reason for reject in rejects] == [
        "not an official record",
        "image is not there",
        "not an official record",
        "duplicate id",
        "not an official record",
    ]
    path.write_text("index\tquestion\n")
    with pytest.raises(DataError, match=r"256K\.tsv: no column 'question_id'; expected"):
        asked(MMLongBenchVLMEvalKit(lengths=("256K",)), tmp_path)


@pytest.mark.parametrize(
    ("benchmark", "file"),
    [
        (
            MMLongBenchNIAH(sets=("retrieval-text",), lengths=("8K",)),
            "mmlb_data/NIAH/retrieval-text_test_K8_dep6.jsonl",
        ),
        (MMLongBenchVRAG(lengths=("8K",)), "mmlb_data/vrag/infoseek_K8_dep3.jsonl"),
        (ICL, CARS),
        (MMLongBenchSumm(lengths=("8K",)), "mmlb_data/summ"),
        (MMLongBenchVLMEvalKit(lengths=("256K",)), "MMLongBench_256K.tsv"),
    ],
)
def test_what_is_missing_is_named_with_data_set_and_licence(benchmark: Any, file: str, tmp_path: Path):
    with pytest.raises(ConfigError, match=rf"suite\.data_root: .*{file} is not there; put .* of MMLongBench.*MIT"):
        asked(benchmark, tmp_path)

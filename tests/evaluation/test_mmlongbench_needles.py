"""MMLongBench's needles in a haystack, read from files in the official format."""

import random
from pathlib import Path
from typing import Any

import pytest

from mmprolong.conversations import Text
from mmprolong.evaluation.benchmarks._mmlongbench import drawn_ids
from mmprolong.evaluation.benchmarks.mmlongbench_niah import FILES, MMLongBenchNIAH
from mmprolong.records import Gold, Score
from tests.evaluation.official import (
    ANSWER,
    asked,
    haystack_record,
    niah_record,
    paragraph,
    right,
    seen,
    write_lines,
)


def niah(needles: Any, **options: Any) -> MMLongBenchNIAH:
    return MMLongBenchNIAH(sets=(needles,), lengths=("8K",), **options)


def needle_file(root: Path, needles: str) -> Path:
    return root / "mmlb_data" / "NIAH" / f"{FILES[needles].format(8)}.jsonl"


def test_a_text_needle_is_asked_in_the_official_words_and_marked_by_its_metric(tmp_path: Path):
    write_lines(needle_file(tmp_path, "retrieval-text"), niah_record(tmp_path))
    ((sample,), rejects) = asked(niah("retrieval-text"), tmp_path)
    assert not rejects
    assert seen(sample) == (
        "You are given interleaved text and images. Please answer the question based on the given text and images. "
        "Write your answer in the following format:\nAnswer: [answer]\n\n"
        "A street.\n\n<image>\n\nThe key is red.\n\nQuestion: Which colour has the key?"
    )
    assert sample.prompt[1:] == ANSWER
    assert sample.gold == Gold("red", "sub_em")
    assert (sample.task, sample.length, sample.cluster) == ("retrieval-text", "8K", "retrieval-text/7")
    assert sample.facts["depth"] == 0.4
    assert right(sample, " It is red.") == 1 and right(sample, " blue") == 0


def test_options_stand_behind_the_question_and_the_last_part_is_text(tmp_path: Path):
    record = niah_record(tmp_path, answer=1, choices_image=["mm-niah/x.jpg", "mm-niah/y.jpg"])
    write_lines(needle_file(tmp_path, "retrieval-image"), record)
    ((sample,), _) = asked(niah("retrieval-image"), tmp_path)
    assert "with the option's letter (A, B, etc.)" in seen(sample)
    assert seen(sample).endswith("Question: Which colour has the key?\nA. <image>\nB. <image>")
    assert sample.prompt[0].parts[-1] == Text("")
    assert right(sample, " B") == 1 and right(sample, " A") == 0


def test_counted_needles_are_shown_with_the_question(tmp_path: Path):
    record = niah_record(
        tmp_path,
        question="How often is <image> in each image?",
        answer=[1, 2],
        needle_image_list=["mm-niah/needle.jpg"],
        positive_ctxs=[paragraph("<image>", "mm-niah/a.jpg")],
        depth=[0.2, 0.6],
    )
    write_lines(needle_file(tmp_path, "counting-image"), record)
    ((sample,), _) = asked(niah("counting-image"), tmp_path)
    assert sample.gold == Gold([1, 2], "soft_acc", evidence=(0,))
    assert sample.facts["depth"] == pytest.approx(0.4)
    assert right(sample, " [3]") == 1


def test_visual_haystacks_have_defaults_by_turns(tmp_path: Path):
    records = (haystack_record(tmp_path, depth=depth) for depth in (0, 0.2, 0.4, 0.6))
    write_lines(needle_file(tmp_path, "vh_single"), *records)
    samples, _ = asked(niah("vh_single"), tmp_path)
    assert [sample.facts["default_answer"] for sample in samples] == [0, 1, 1, 0]
    assert "\n\n<image>\n<image>\n\nQuestion: For the image" in seen(samples[0])
    assert [right(sample, " I cannot tell.") for sample in samples] == [0, 1, 1, 0]


def test_official_sampling_draws_ids_and_keeps_all_their_depths(tmp_path: Path):
    records = (niah_record(tmp_path, id=number, depth=depth) for number in range(60) for depth in (0.0, 1.0))
    path = write_lines(needle_file(tmp_path, "retrieval-text"), *records)
    chosen = set(map(str, random.Random(42).sample(range(60), 50)))
    assert drawn_ids(path, 50) == chosen
    official, _ = asked(niah("retrieval-text", sampling="official"), tmp_path)
    assert {sample.facts["id"] for sample in official} == chosen and len(official) == 100
    assert len(asked(niah("retrieval-text"), tmp_path)[0]) == 120


def test_broken_records_cost_themselves_alone(tmp_path: Path):
    good = niah_record(tmp_path)
    lines = [
        good,
        "{",
        {**good, "id": 8, "image_list": ["mm-niah/none.jpg"]},
        {**good, "id": 9, "ctxs": [paragraph("no mark")]},
        good,
        '{"id": 10, "question": "?", "answer": NaN, "ctxs": []}',
        {"id": 11, "question": "?"},
        "[" * 100_000,
        {**good, "id": 12},
    ]
    path = write_lines(needle_file(tmp_path, "retrieval-text"), *lines)
    path.write_bytes(path.read_bytes() + b'{"id": "\xff"}\n')
    samples, rejects = asked(niah("retrieval-text"), tmp_path)
    assert [sample.facts["id"] for sample in samples] == ["7", "12"]
    file = needle_file(tmp_path, "retrieval-text").name
    assert [(reject.what, reject.reason) for reject in rejects] == [
        (f"{file}:2", "not an official record"),
        (f"{file}:3 (id 8)", "image is not there"),
        (f"{file}:4 (id 9)", "marks and images differ in number"),
        (f"{file}:5 (id 7)", "duplicate id"),
        (f"{file}:6 (id 10)", "not an official record"),
        (f"{file}:7 (id 11)", "not an official record"),
        (f"{file}:8", "not an official record"),
        (f"{file}:10", "not an official record"),
    ]


def test_families_average_text_and_image_needles_first_and_turn_haystacks_below_one_half():
    def score(task: str, value: float) -> Score:
        return Score(sample="s", benchmark="b", task=task, length="8K", cluster="c", target="", value=value, parsed="")

    values = {"retrieval-text": 1.0, "retrieval-image": 0.5, "counting-text": 0.25, "vh_single": 0.1}
    found = MMLongBenchNIAH().aggregate([score(task, value) for task, value in values.items()])
    assert found["families"] == pytest.approx((0.75 + 0.25 + 0.9) / 3)
    assert found["macro"] == found["micro"] == pytest.approx(1.85 / 4)

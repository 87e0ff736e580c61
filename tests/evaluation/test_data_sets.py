"""Readers of public data sets: what is asked, what is refused, what the official number is."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmprolong.errors import ConfigError, DataError
from mmprolong.evaluation.benchmarks import Benchmark, Inputs
from mmprolong.evaluation.benchmarks.helmet import Helmet
from mmprolong.evaluation.benchmarks.longbench_v2 import LongBenchV2
from mmprolong.evaluation.benchmarks.longvideobench import LongVideoBench
from mmprolong.evaluation.benchmarks.mathvista import MathVista
from mmprolong.evaluation.benchmarks.mlvu import MLVU
from mmprolong.evaluation.benchmarks.mm_niah import MMNIAH
from mmprolong.evaluation.benchmarks.mmbench import MMBench
from mmprolong.evaluation.benchmarks.mmmu import MMMU
from mmprolong.evaluation.benchmarks.mmmu_pro import MMMUPro
from mmprolong.evaluation.benchmarks.needle import Needle
from mmprolong.evaluation.benchmarks.ocrbench import OCRBench
from mmprolong.evaluation.benchmarks.realworldqa import RealWorldQA
from mmprolong.evaluation.benchmarks.video_mme import VideoMME
from mmprolong.evaluation.benchmarks.vtcbench import VTCBenchTasks
from mmprolong.images.table_images import TableImages
from mmprolong.records import Gold
from tests.evaluation.data_sets import (
    encoded,
    images,
    questions,
    score,
    shown,
    write_lines,
    write_parquet,
    write_tsv,
)
from tests.images.pictures import picture_bytes, write_picture


@pytest.mark.parametrize(
    ("benchmark", "said"),
    [
        (MMNIAH(), r"MM-NIAH/mm_niah_val/images of MM-NIAH \(licence MIT"),
        (VTCBenchTasks(), r"VTCBench/data of VTCBench \(licence CC-BY-NC"),
        (VideoMME(), r"test-00000-of-00001.parquet of Video-MME \(licence academic"),
        (MLVU(), r"MLVU/json/1_plotQA.json of MLVU \(licence CC-BY-NC-SA"),
        (LongVideoBench(), r"lvb_val.json of LongVideoBench \(licence CC-BY-NC-SA-4.0, gated"),
        (LongBenchV2(), r"LongBench-v2/data.json of LongBench-v2 \(licence MIT"),
        (Helmet(), r"validation_8192.jsonl of HELMET \(licence MIT"),
        (MMBench(), r"LMUData/MMBench_DEV_EN_V11.tsv of MMBench-V1.1 \(licence Apache"),
        (RealWorldQA(), r"LMUData/RealWorldQA.tsv of RealWorldQA \(licence CC-BY-ND"),
        (MMMU(), r"LMUData/MMMU_DEV_VAL.tsv of MMMU \(licence Apache"),
        (MMMUPro(), r"LMUData/MMMU_Pro_10c.tsv of MMMU-Pro \(licence Apache"),
        (MathVista(), r"LMUData/MathVista_MINI.tsv of MathVista \(licence CC-BY-SA"),
        (OCRBench(), r"LMUData/OCRBench.tsv of OCRBench \(licence MIT"),
        (Needle(), r"needle of any PDFs \(licence their own"),
    ],
    ids=lambda each: type(each).__name__ if not isinstance(each, str) else "",
)
def test_a_missing_data_set_is_named_with_its_licence_and_files(benchmark: Benchmark, said: str, tmp_path: Path):
    with pytest.raises(ConfigError, match=rf"suite\.data_root: .* is not there; put .*{said}"):
        list(benchmark.samples("set", Inputs(data_root=tmp_path)))


def niah(number: int, answer: Any = "oak", **meta: Any) -> dict[str, Any]:
    """A record of MM-NIAH: two images in the context."""
    known = {"placed_depth": 0.5, "context_length": 2500, "needles": ["b.png"], "choices": None}
    return {
        "id": number,
        "images_list": ["a.png", "b.png"],
        "context": "One <image> two <image> three",
        "question": "Which?",
        "answer": answer,
        "meta": {**known, "choices_image_path": None, **meta},
    }


def niah_files(root: Path, task: str, *records: Any) -> Path:
    folder = root / "MM-NIAH" / "mm_niah_val"
    for name in "abc":
        write_picture(folder / "images" / f"{name}.png")
    write_lines(folder / "annotations" / f"{task}.jsonl", records)
    return root


def test_mm_niah_shows_context_then_question(tmp_path: Path):
    root = niah_files(tmp_path, "retrieval-text", niah(0), niah(1, "7", placed_depth=[0.2, 0.4], context_length=64000))
    (one, other), _ = questions(MMNIAH(tasks=("retrieval-text",)), root)
    phrase = "Which?\nAnswer the question using a single word or phrase."
    assert shown(one) == f"One <image> two <image> three\n{phrase}"
    assert images(one)[1] == images(other)[1] and images(one)[1].source.endswith("mm_niah_val/images/b.png")
    assert (one.length, other.length) == ("2K", "64K")
    assert one.gold == Gold("oak", "retrieval-text", evidence=(1,))
    assert (one.facts["depth"], other.facts["depth"]) == (0.5, pytest.approx(0.3))


def test_mm_niah_lists_choices_of_text_and_of_images(tmp_path: Path):
    niah_files(tmp_path, "retrieval-image", niah(0, 1, choices=["red", "blue"]))
    niah_files(tmp_path, "reasoning-image", niah(0, 1, choices_image_path=["a.png", "c.png"]))
    (text, picture), _ = questions(MMNIAH(tasks=("retrieval-image", "reasoning-image")), tmp_path)
    letter = "\nAnswer with the option's letter from the given choices directly."
    assert shown(text).endswith(f"\nWhich?\nA. red\nB. blue{letter}")
    assert shown(picture).endswith(f"\nWhich?\nA. <image>\nB. <image>{letter}")
    assert len(images(picture)) == 4 and picture.gold.answer == 1


def test_mm_niah_counts_what_it_refuses_and_loses_nothing_else(tmp_path: Path):
    wrong = {**niah(3, [1]), "images_list": ["a.png"]}, {**niah(4, [1]), "images_list": ["a.png", "none.png"]}
    records = [niah(0, "[1, 2]"), "{", niah(0, "[1]"), *wrong, niah(5, "[3]", context_length=999), niah(6, None)]
    nan = '{"id": 7, "images_list": [], "context": "", "question": "", "answer": NaN, "meta": {}}'
    root = niah_files(tmp_path, "counting-text", *records, nan, niah(8, [4]))
    found, rejects = questions(MMNIAH(tasks=("counting-text",)), root)
    assert [each.gold.answer for each in found] == [[1, 2], [4]]
    file = "counting-text.jsonl"
    assert [(each.what, each.reason) for each in rejects] == [
        (f"{file}:2", "not an official record"),
        (f"{file}:3 (id 0)", "duplicate id"),
        (f"{file}:4 (id 3)", "marks and images differ in number"),
        (f"{file}:5 (id 4)", "image is not there"),
        (f"{file}:6 (id 5)", "shorter than the official lengths"),
        (f"{file}:7 (id 6)", "not an official record"),
        (f"{file}:8 (id 7)", "not an official record"),
    ]
    assert "2 marks, 1 images" in rejects[2].detail and "none.png" in rejects[3].detail


def test_mm_niah_counts_empty_depths_as_0():
    scores = [score(1, length="1K", depth=1.0), score(0.5, length="2K", depth=0.0), score(0.5, length="2K", depth=0.1)]
    assert MMNIAH().aggregate(scores)["official"] == pytest.approx(1.5 / 55)


def test_vtcbench_shows_the_pages_of_a_row(tmp_path: Path):
    def row(problem: str, answers: list[str], *widths: int) -> dict[str, Any]:
        pages = [{"bytes": picture_bytes((width, 20)), "path": None} for width in widths]
        return {"problem": problem, "answers": answers, "images": pages, "_context": "left out"}

    folder = tmp_path / "VTCBench" / "data"
    rows = [row("Which number?", ["1", "2"], 30, 40), row("None?", [], 30), row("And?", ["3"], 50)]
    write_parquet(folder / "Retrieval-00000-of-00001.parquet", rows)
    write_parquet(folder / "Memory-00000-of-00001.parquet", [row("Who?", ["Ann"], 30)])
    found, rejects = questions(VTCBenchTasks(tasks=("Retrieval", "Memory")), tmp_path)
    assert [each.gold for each in found] == [
        Gold(["1", "2"], "contains_all"),
        Gold(["3"], "contains_all"),
        Gold(["Ann"], "ROUGE-L"),
    ]
    assert shown(found[0]).startswith("<image><image>Answer a question") and "magic numbers" in shown(found[0])
    assert [TableImages(tmp_path).size(image)[0] for image in images(found[0]) + images(found[1])] == [30, 40, 50]
    assert rejects[0].what == "Retrieval-00000-of-00001.parquet[1]"
    swapped, _ = questions(VTCBenchTasks(tasks=("Retrieval",), prompts="run_wild"), tmp_path)
    assert "magic numbers" not in shown(swapped[0])
    with pytest.raises(ConfigError, match=r"Reasoning-\*\.parquet of VTCBench"):
        questions(VTCBenchTasks(), tmp_path)


def test_base_tasks_of_vtcbench_have_lengths_depths_and_their_templates(tmp_path: Path):
    def row(problem: str, **source: Any) -> dict[str, Any]:
        known = {"question_id": "conv-26_C4_Q0_SingleHop", "needle": None, "task_template": None, **source}
        pages = [{"bytes": picture_bytes((30, 20)), "path": None}]
        more = {"_context": "Long ago. Ann is vegan. The end.", "_render_args": "{}", "_source": json.dumps(known)}
        return {"problem": problem, "answers": ["Ann"], "images": pages, **more}

    folder = tmp_path / "VTCBench" / "base"
    own = row("Which?", task_template="{haystack}\n\nQuestion: {question}", question_id="k_Q1_one")
    write_parquet(folder / "Retrieval-8K.parquet", [own, row("None?")])
    write_parquet(folder / "Reasoning-1K.parquet", [row("Who eats no fish?", needle="{CHAR} is vegan.")])
    write_parquet(folder / "Memory-all.parquet", [row("Who?")])
    (retrieval, reasoning, memory), (reject,) = questions(VTCBenchTasks(edition="base"), tmp_path)
    assert shown(retrieval) == "<image>Which?" and (retrieval.length, retrieval.cluster) == ("8K", "k_Q1_one")
    assert shown(reasoning).endswith("with no additional explanation or reasoning.\n\nWho eats no fish?")
    assert reasoning.length == "1K" and reasoning.facts["depth"] == pytest.approx(10 / 19)
    assert shown(memory).endswith("from the context whenever possible.\n\nWho?")
    assert (memory.length, memory.cluster) == ("32K", "conv-26") and "depth" not in memory.facts
    assert reject.what == "Retrieval-8K.parquet[1]" and TableImages(tmp_path).size(images(memory)[0]) == (30, 20)


def test_a_parquet_file_of_another_kind_is_named(tmp_path: Path):
    write_parquet(tmp_path / "VTCBench" / "data" / "Memory-0.parquet", [{"problem": "?", "images": [[]]}])
    with pytest.raises(DataError, match=r"Memory-0\.parquet: no column 'answers'"):
        questions(VTCBenchTasks(tasks=("Memory",)), tmp_path)


def choice(index: int, answer: str = "A", **cells: Any) -> dict[str, Any]:
    options = {"A": "red", "B": "blue"}
    return {"index": index, "image": encoded(), "question": "Which?", **options, "answer": answer, **cells}


def tsv(root: Path, name: str, *rows: dict[str, Any]) -> Path:
    write_tsv(root / "LMUData" / f"{name}.tsv", rows)
    return root


def test_multiple_choice_is_asked_as_qwen_is(tmp_path: Path):
    rows = choice(0, hint="Look."), choice(1, "C"), choice(1, "B"), choice(1, "A"), choice(3, image="")
    (one, other), rejects = questions(RealWorldQA(), tsv(tmp_path, "RealWorldQA", *rows))
    closing = "Please select the correct answer from the options above."
    assert shown(one) == f"<image>Hint: Look.\nQuestion: Which?\nOptions:\nA. red\nB. blue\n{closing}"
    assert one.gold == Gold("A", "Choice", choices=("red", "blue")) and other.gold.answer == "B"
    assert TableImages(tmp_path).size(images(one)[0]) == (40, 30)
    assert [(each.what, each.reason) for each in rejects] == [
        ("RealWorldQA.tsv, row 2 (id 1)", "not an official record"),
        ("RealWorldQA.tsv, row 4 (id 1)", "duplicate id"),
        ("RealWorldQA.tsv, row 5 (id 3)", "no image"),
    ]


def test_mmbench_rotations_share_an_image_and_count_together(tmp_path: Path):
    rows = choice(7, image=encoded(50)), choice(1_000_007, "B", image="7", A="blue", B="red"), choice(8)
    found, _ = questions(MMBench(), tsv(tmp_path, "MMBench_DEV_EN_V11", *rows))
    assert images(found[0]) == images(found[1]) != images(found[2])
    groups = [each.facts["group"] for each in found]
    assert groups == ["7", "7", "8"]
    marks = [score(value, group=group) for value, group in zip((1, 0, 1), groups, strict=True)]
    assert MMBench().aggregate(marks)["circular"] == 0.5


def test_mmmu_asks_validation_questions_and_open_ones_too(tmp_path: Path):
    pictures = str([encoded(30), encoded(60)])
    openly = choice(1, "12", A="", B="", split="validation")
    rows = choice(0, split="dev"), openly, choice(2, split="validation", image=pictures)
    found, rejects = questions(MMMU(), tsv(tmp_path, "MMMU_DEV_VAL", *rows))
    assert shown(found[0]) == "<image>Question: Which?"
    assert found[0].gold == Gold("A", "Choice", choices=("12", "Other Answers"))
    assert [TableImages(tmp_path).size(image)[0] for image in images(found[1])] == [30, 60]
    assert [each.reason for each in rejects] == ["of another split"]


def test_mmmu_pro_shows_images_where_the_text_names_them(tmp_path: Path):
    row = choice(0, question="<image 2> or <image 1>?", image=str([encoded(30), encoded(60)]))
    ((one,), rejects) = questions(
        MMMUPro(), tsv(tmp_path, "MMMU_Pro_10c", row, {**row, "index": 1, "image": encoded()})
    )
    assert shown(one).startswith("Question: <image> or <image>?\nOptions:\nA. red\nB. blue\nAnswer directly")
    assert [TableImages(tmp_path).size(image)[0] for image in images(one)] == [60, 30]
    assert rejects[0].detail.startswith("IndexError")


def test_mathvista_and_ocrbench_ask_for_short_answers(tmp_path: Path):
    kinds = {"question_type": "multi_choice", "answer_type": "text", "choices": "['1', '2']", "answer_option": "B"}
    tsv(tmp_path, "MathVista_MINI", {"index": 0, "image": encoded(), "question": "Sum?", "answer": "2", **kinds})
    ((one,), _) = questions(MathVista(), tmp_path)
    assert shown(one) == "<image>Sum?\nPlease try to answer the question with short words or phrases if possible."
    gold = {"answer": "2", "choices": "['1', '2']", "answer_option": "B"}
    assert one.gold == Gold(gold, "multi_choice/text")
    row = {"index": 0, "image": encoded(), "question": "Read.", "category": "Doc-oriented VQA"}
    tsv(tmp_path, "OCRBench", {**row, "answer": "['a', 'b']"}, {**row, "index": 1, "answer": "a"})
    ((one,), rejects) = questions(OCRBench(), tmp_path)
    assert one.gold == Gold("['a', 'b']", "Doc-oriented VQA") and "no list" in rejects[0].detail

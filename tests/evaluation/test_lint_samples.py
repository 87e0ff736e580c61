"""A planted defect of each kind of data set is found in what its reader gives."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmprolong import plugins
from mmprolong.cli import main
from mmprolong.errors import ConfigError
from mmprolong.evaluation.lint_samples import BENCHMARKS, SCORERS, lint_benchmark, spellings
from tests.evaluation import official
from tests.evaluation.data_sets import encoded, write_frames, write_json, write_lines, write_parquet, write_tsv
from tests.evaluation.test_benchmarks import doc_files, doc_record, docqa_files, docqa_record
from tests.evaluation.test_data_sets import choice, niah, niah_files
from tests.evaluation.test_films_and_texts import kilt, mme, mme_files
from tests.images.pictures import picture_bytes

NEVER, TWICE = "gold that cannot score 1", "duplicate question"
BEFORE, BEYOND, HIDDEN = "page before the first", "page beyond the document", "answer out of reach"
BROKEN = "not an official record"


def mmlongbench_doc(root: Path) -> None:
    pages = "[0, 2, 9]"
    doc_files(
        root, doc_record(), doc_record(question="How  do they fare?"), doc_record(question="?", evidence_pages=pages)
    )


def docqa(root: Path) -> None:
    text = {"answer": "red", "answer_format": "String"}
    records = docqa_record(**text), docqa_record(**text, id=1, question="Who?", ans_page_list=[5, 7])
    docqa_files(root, "mmlongdoc_K64.jsonl", *records)


def slidevqa(root: Path) -> None:
    record = official.slidevqa_record(root, evidence_pages=[0, 4])
    official.write_lines(root / "SlideVQA/annotations/qa/test.jsonl", record)


def dude(root: Path) -> None:
    box = {"left": 1, "top": 1, "width": 9, "height": 9, "page": 3}
    record = official.dude_record(root, answers_page_bounding_boxes=[[box]])
    official.write_dude(
        root, record, official.dude_record(root, questionId="b", answer_type="list/extractive", answers=[])
    )


def longdocurl(root: Path) -> None:
    path = root / "LongDocURL/LongDocURL_public_with_subtask_category.jsonl"
    official.write_lines(path, official.longdocurl_record(root, evidence_pages=[0, 50, 99]))


def tsv_of_mmlongbench(root: Path) -> None:
    row = official.tsv_row(root)
    more = {**json.loads(row["extra_info"]), "ans_page_list": [8]}
    official.write_tsv(root / "MMLongBench_256K.tsv", {**row, "extra_info": json.dumps(more)})


def vrag(root: Path) -> None:
    gone = official.vrag_record(root, positive_ctxs=[{"doc_id": "9", "title": "T", "text": "Gone."}])
    official.write_lines(root / "mmlb_data/vrag/infoseek_K8_dep3.jsonl", gone)


def icl(root: Path) -> None:
    content = official.icl_file(root, "mmlb_data/ICL/cars196_K8.json")
    tests = content["cars"]["test_example"]
    official.icl_file(root, "mmlb_data/ICL/cars196_K8.json", test_example=[{**tests[0], "answer": 7}])


def needles(root: Path) -> None:
    gone = [official.paragraph("<image>", "mm-niah/gone.jpg")]
    record = official.niah_record(root, positive_ctxs=gone)
    official.write_lines(root / "mmlb_data/NIAH/retrieval-text_test_K8_dep6.jsonl", record)


def summaries(root: Path) -> None:
    official.write_images(root / "mmlb_image", ["gov/a/a_page0.jpg"])
    record = {"id": "g", "image_list": ["gov/a/a_page0.jpg"], "summary": "...", "url": ""}
    official.write_lines(root / "mmlb_data/summ/gov_K8.jsonl", record)


def mm_niah(root: Path) -> None:
    niah_files(root, "retrieval-image", niah(0, 5, choices=["a", "b"]), niah(1, 1, choices=["a", "b"]))


def vtcbench(root: Path) -> None:
    pages = [{"bytes": picture_bytes((30, 20)), "path": None}]
    rows = [{"problem": "Which?", "answers": ["<think>a</think>"], "images": pages}]
    write_parquet(root / "VTCBench/data/Retrieval-0.parquet", rows)


def video_mme(root: Path) -> None:
    mme_files(root, mme(), mme(question_id="2", question="which?"))


def mlvu(root: Path) -> None:
    record = {"video": "a.mp4", "question": "How?", "candidates": ["red)", "blue"], "question_type": "plotQA"}
    write_json(root / "MLVU/json/1_plotQA.json", [{**record, "answer": "green"}, {**record, "answer": "blue"}] * 2)
    write_frames(root / "MLVU/video/1_plotQA/a", 1)


def mlvu_generation(root: Path) -> None:
    record = {"video": "a.mp4", "question": "Describe.", "answer": "x", "question_type": "subPlot"}
    write_json(root / "MLVU/json/8_sub_scene.json", [record, {**record, "scoring_points": ["x"]}])
    write_frames(root / "MLVU/video/8_sub_scene/a", 1)


def longvideobench(root: Path) -> None:
    record = {"video_id": "v", "video_path": "v.mp4", "subtitle_path": "", "question": "When?", "duration": 1.0}
    record |= {"candidates": ["now", "then"]}
    write_json(root / "LongVideoBench/lvb_val.json", [{**record, "id": "a", "correct_choice": 2}])
    write_frames(root / "LongVideoBench/videos/v", 1)


def longbench_v2(root: Path) -> None:
    record = {"domain": "Code", "sub_domain": "", "difficulty": "hard", "length": "long", "question": "Why?"}
    record |= {"answer": "B", "context": "Text.", **{f"choice_{letter}": letter for letter in "ABCD"}}
    write_json(root / "LongBench-v2/data.json", [{**record, "_id": "x"}, {**record, "_id": "y", "answer": "C"}])


def helmet(root: Path) -> None:
    write_lines(root / "HELMET/data/kilt/nq-dev-multikilt_1000_k50_dep6.jsonl", [kilt(0), kilt(1, answers=[])])
    write_lines(root / "HELMET/data/kilt/nq-train-multikilt_1000_k3_dep6.jsonl", [kilt(2), kilt(3)])


def helmet_icl(root: Path) -> None:
    for name, labels in (("train", range(6)), ("test", (1, 6))):
        lines = [{"text": f"{name} {label}", "coarse_label": label} for label in labels]
        write_lines(root / f"HELMET/hub/trec_{name}.jsonl", lines)


def helmet_cite(root: Path) -> None:
    record = {"question": "Which?", "docs": [], "answers": [["the"]]}
    write_json(root / "HELMET/data/alce/qampari_eval_gtr_top2000.json", [record])
    prompts = {"instruction": "", "demo_prompt": "", "doc_prompt": "", "demos": []}
    write_json(root / "HELMET/prompts/qampari_revised.json", prompts)


def table(name: str, *rows: dict[str, Any]) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        write_tsv(root / f"LMUData/{name}.tsv", rows)

    return write


MATH = {"index": 0, "image": encoded(), "question": "Sum?", "answer": "2", "question_type": "free_form"}
TEXT = {"index": 0, "image": encoded(), "question": "Read.", "category": "Doc-oriented VQA", "answer": "['a']"}
OTHER = choice(1, "C")


@pytest.mark.parametrize(
    ("asked", "write", "reasons"),
    [
        ("mmlongbench_doc", mmlongbench_doc, [TWICE, BEFORE, BEYOND]),
        ({"name": "mmlongbench_doc", "max_pages": 2}, mmlongbench_doc, [HIDDEN, HIDDEN, TWICE, BEFORE, BEYOND]),
        ({"name": "mmlongbench_docqa", "sets": ["mmlongdoc"], "lengths": ["64K"]}, docqa, [HIDDEN]),
        ("slidevqa", slidevqa, [BEFORE, BEYOND]),
        ("dude", dude, [BEYOND, NEVER, TWICE]),
        ("longdocurl", longdocurl, [BEFORE, BEYOND, HIDDEN]),
        ({"name": "mmlongbench_vlmevalkit", "lengths": ["256K"]}, tsv_of_mmlongbench, [HIDDEN]),
        ({"name": "mmlongbench_vrag", "sets": ["infoseek"], "lengths": ["8K"]}, vrag, [HIDDEN]),
        ({"name": "mmlongbench_icl", "sets": ["cars196"], "lengths": ["8K"]}, icl, [HIDDEN]),
        ({"name": "mmlongbench_niah", "sets": ["retrieval-text"], "lengths": ["8K"]}, needles, [HIDDEN]),
        ({"name": "mmlongbench_summ", "sets": ["gov"], "lengths": ["8K"]}, summaries, [NEVER]),
        ({"name": "mm_niah", "tasks": ["retrieval-image"]}, mm_niah, [BROKEN]),
        ({"name": "vtcbench", "tasks": ["Retrieval"]}, vtcbench, [NEVER]),
        ("video_mme", video_mme, [TWICE]),
        ({"name": "mlvu", "tasks": ["1_plotQA"]}, mlvu, [BROKEN, BROKEN, TWICE]),
        ({"name": "mlvu_generation", "tasks": ["8_sub_scene"]}, mlvu_generation, [BROKEN]),
        ("longvideobench", longvideobench, [BROKEN]),
        ("longbench_v2", longbench_v2, [TWICE]),
        ({"name": "helmet", "tasks": ["nq"], "lengths": ["8K"]}, helmet, [BROKEN]),
        ({"name": "helmet_icl", "tasks": ["trec_coarse"], "lengths": ["4K"]}, helmet_icl, ["no label"]),
        ({"name": "helmet_cite", "tasks": ["qampari"], "lengths": ["4K"]}, helmet_cite, [NEVER]),
        ("realworldqa", table("RealWorldQA", choice(0), OTHER), [BROKEN]),
        ("mmbench", table("MMBench_DEV_EN_V11", choice(0), choice(1, image="0", answer="B")), [TWICE]),
        ("mmmu", table("MMMU_DEV_VAL", choice(0, split="validation"), choice(1, split="test")), ["of another split"]),
        ("mmmu_pro", table("MMMU_Pro_10c", choice(0, question="<image 2>?")), [BROKEN]),
        ("mathvista", table("MathVista_MINI", {**MATH, "answer_type": "list"}), [NEVER]),
        ("ocrbench", table("OCRBench", TEXT, {**TEXT, "image": "0", "index": 1}), [TWICE]),
    ],
    ids=lambda each: (each if isinstance(each, str) else each["name"]) if isinstance(each, str | dict) else "",
)
def test_a_planted_defect_is_found(asked: Any, write: Callable[[Path], None], reasons: list[str], tmp_path: Path):
    write(tmp_path)
    assert [each.reason for each in lint_benchmark(asked, tmp_path)[1]] == reasons


def test_every_benchmark_names_a_scorer_that_is_there():
    kinds = [plugins.plugin_class(BENCHMARKS, name, "benchmark") for name in plugins.names_in(BENCHMARKS)]
    named = [kind.scorer for kind in kinds if kind.scorer]
    assert all(plugins.make(SCORERS, each, "scorer") for each in named) and len(named) >= len(kinds) - 3


def test_the_guide_has_every_benchmark_with_its_scorer():
    guide = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    rows = {line.split("`")[1]: line for line in guide.splitlines() if line.startswith("| `")}
    assert rows.keys() == set(plugins.names_in(BENCHMARKS))
    kinds = {name: plugins.plugin_class(BENCHMARKS, name, "benchmark") for name in rows}
    named = {name: plugins.split(kind.scorer)[0] for name, kind in kinds.items() if kind.scorer}
    assert not {name for name, scorer in named.items() if scorer not in rows[name]}


def test_a_ranking_is_an_answer_by_how_relevant_its_ids_are():
    assert "2 > 1" in spellings([["1", 0], ["2", 3]])


def test_the_command_reads_a_folder_by_a_benchmarks_reader(capsys: Any, tmp_path: Path):
    slidevqa(tmp_path)
    assert main(["lint-benchmark", str(tmp_path), "--benchmark", "{name: slidevqa, split: test}", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["questions"] == 1
    assert content["defects"][0] == {"what": "slidevqa-0", "reason": BEFORE, "detail": "0"}
    with pytest.raises(ConfigError, match="did you mean 'slidevqa'"):
        lint_benchmark("slidesvqa", tmp_path)

"""All public data sets in their official formats, two questions each, and a model that answers B or C."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from mmprolong.evaluation.benchmarks.mmlongbench_niah import FILES
from tests.corpus.pdfs import write_pdf
from tests.evaluation.data_sets import encoded, write_frames, write_json, write_lines, write_parquet
from tests.evaluation.official import (
    dude_record,
    haystack_record,
    icl_file,
    longdocurl_record,
    niah_record,
    slidevqa_record,
    tsv_row,
    vrag_record,
    write_dude,
    write_tsv,
)
from tests.evaluation.test_benchmarks import doc_files, doc_record, docqa_files, docqa_record
from tests.evaluation.test_data_sets import choice, niah, niah_files, tsv
from tests.evaluation.test_document_sets import LONGDOCURL, SLIDES
from tests.evaluation.test_films_and_texts import helmet_files, mme, mme_files
from tests.evaluation.test_mmlongbench import summ_record
from tests.images.pictures import picture_bytes
from tests.models.tiny import byte_tokenizer, write_model

SUITE = """\
# @package suite
defaults:
  - mmprolong_paper@_here_
  - orion@_here_
  - _self_
subject: ""
benchmarks:
  docqa: {benchmark: {name: mmlongbench_docqa, lengths: [64K, 128K]}}
  longer: {benchmark: mmlongbench_vlmevalkit, scorer: mmlongbench, new_tokens: 1}
  mlvu: {benchmark: {name: mlvu, tasks: [1_plotQA, 2_needle]}}
  helmet: {benchmark: {name: helmet, tasks: [json_kv], lengths: [8K]}}
  mmlongbench: {benchmark: {name: mmlongbench, groups: [docqa]}}
  vrag: {benchmark: {name: mmlongbench_vrag, sets: [infoseek], lengths: [8K]}, scorer: mmlongbench, new_tokens: 1}
  icl: {benchmark: {name: mmlongbench_icl, sets: [cars196], lengths: [8K]}, scorer: mmlongbench, new_tokens: 1}
  summ: {benchmark: {name: mmlongbench_summ, sets: [gov], lengths: [8K]}, scorer: mmlongbench, new_tokens: 1}
  haystack: {benchmark: {name: mmlongbench_niah, sets: [vh_single]}, scorer: mmlongbench, new_tokens: 1}
  mm_niah: {benchmark: {name: mm_niah, tasks: [retrieval-text]}, scorer: mm_niah, new_tokens: 1}
  longdocurl: {benchmark: longdocurl, scorer: longdocurl, new_tokens: 1}
  mlvu_free: {benchmark: {name: mlvu_generation, tasks: [8_sub_scene]}, scorer: exact_match, new_tokens: 1}
  labels: {benchmark: {name: helmet_icl, tasks: [trec_coarse], lengths: [4K]}, scorer: helmet, new_tokens: 1}
  citing: {benchmark: {name: helmet_cite, tasks: [qampari], lengths: [4K]}, scorer: helmet, new_tokens: 1}
  novels: {benchmark: {name: helmet_long, tasks: [infbench_qa], lengths: [4K]}, scorer: helmet, new_tokens: 1}
  drop: {benchmark: {name: page_drop, of: longdocurl}, scorer: longdocurl, new_tokens: 1}
  needle:
    benchmark: {name: needle, lengths: [2K], depths: 1, samples_per_cell: 1, dpi: 72, max_pixels: 80000}
    scorer: exact_match
    new_tokens: 1
"""
"""A suite of every benchmark that needs no pool."""


def write_letter_model(kind: str, folder: Path) -> Path:
    """Write a tiny model of a family that answers B or C, as its weights fall out."""
    write_model(kind, folder)
    weights, draw = load_file(folder / "model.safetensors"), torch.manual_seed(0)
    for name, weight in weights.items():
        if weight.ndim > 1:  # as spread as it takes for a reply to depend on the prompt
            weight.normal_(0, 0.5 if "embed_tokens" in name else 1.5 / weight[0].numel() ** 0.5, generator=draw)
    head = weights["lm_head.weight"].zero_()
    direction = torch.randn(head.shape[1], generator=draw)
    for letter, sign in (("B", 1), ("C", -1)):
        head[byte_tokenizer().token_to_id(letter)] = sign * direction
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_every_set(root: Path) -> Path:
    """Write the files of all data sets below `root`."""
    _mmlongbench(root)
    _documents(root)
    _films(root)
    _short(root)
    helmet_files(root)
    _helmet(root)
    niah_files(root, "retrieval-text", niah(0, "b"), niah(1, "c"))
    pages = [{"bytes": picture_bytes((width, 20)), "path": None} for width in (30, 40)]
    for task, words in {"Retrieval": "BBD", "Reasoning": "BCD", "Memory": "CDC"}.items():
        rows = [{"problem": f"{word}?", "answers": [word], "images": pages, "_context": ""} for word in words]
        write_parquet(root / "VTCBench" / "data" / f"{task}-00000-of-00001.parquet", rows)
    record = {"domain": "Code", "sub_domain": "Repo", "difficulty": "hard", "length": "long", "question": "Why?"}
    record |= {f"choice_{letter}": letter.lower() for letter in "ABCD"} | {"context": "Text."}
    write_json(root / "LongBench-v2" / "data.json", [{**record, "_id": letter, "answer": letter} for letter in "BC"])
    for name in "abc":
        text = [f"Page {name}{page} says here one two {name}-{page}." for page in range(12)]
        write_pdf(root / "needle" / f"{name}.pdf", text)
    return root


def _mmlongbench(root: Path) -> None:
    answers = {"mmlongdoc": "BB", "longdocurl": "BC", "slidevqa": "CC"}
    for name, letters in answers.items():
        for length in (64, 128):
            asked: list[Any] = [
                docqa_record(id=number, answer=letter, answer_format="String", question=f"{name} {number}?")
                for number, letter in enumerate(letters + "B" * (length == 128))
            ]
            docqa_files(root, f"{name}_K{length}.jsonl", *asked)
    for needles, file in FILES.items():
        for length in (64, 128):
            write_lines(root / "mmlb_data" / "NIAH" / f"{file.format(length)}.jsonl", _needles(root, needles))
    rows = [
        tsv_row(
            root, index=f"{number}", question_id=f"q{number}", source_dataset=name, answer="B", extra_info=_extra(word)
        )
        for number, (name, word) in enumerate((name, word) for name, words in answers.items() for word in words)
    ]
    for length in ("256K", "512K"):
        write_tsv(root / f"MMLongBench_{length}.tsv", *rows)
    write_lines(root / "mmlb_data/vrag/infoseek_K8_dep3.jsonl", [vrag_record(root, answer=["B"])])
    icl_file(root, "mmlb_data/ICL/cars196_K8.json")
    write_lines(root / "mmlb_data/summ/gov_K8.jsonl", [summ_record(root)])


def _needles(root: Path, needles: str) -> list[dict[str, Any]]:
    if needles.startswith("vh_"):
        return [haystack_record(root, depth=depth) for depth in (0.0, 0.5)]
    if needles.startswith("counting"):
        return [niah_record(root, id=number, answer=[number]) for number in range(2)]
    more = {"choices_image": ["mm-niah/x.jpg", "mm-niah/y.jpg", "mm-niah/z.jpg"]} if "image" in needles else {}
    return [
        niah_record(
            root, id=number, answer=number + 1 if more else "bc"[number], question=f"{needles} {number}?", **more
        )
        for number in range(2)
    ]


def _extra(answer: str) -> str:
    known = {"doc_name": "41", "ans_page_list": [7], "answer_format": "String", "question": "Which?"}
    return json.dumps({**known, "answer": answer})


def _helmet(root: Path) -> None:
    for name in ("train", "test"):
        lines = [{"text": f"{name} {label}", "coarse_label": label} for label in range(6 if name == "train" else 2)]
        write_lines(root / f"HELMET/hub/trec_{name}.jsonl", lines)
    record = {"question": "Which?", "docs": [], "answers": [["the"]]}
    write_json(root / "HELMET/data/alce/qampari_eval_gtr_top2000.json", [record])
    prompts = {"instruction": "", "demo_prompt": "", "doc_prompt": "", "demos": []}
    write_json(root / "HELMET/prompts/qampari_revised.json", prompts)
    story = {"context": "a " * 70_000, "input": "Who?", "options": []}
    write_lines(root / "HELMET/hub/longbook_qa_eng.jsonl", [{**story, "id": n, "answer": ["B"]} for n in range(3)])
    words = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    words.save(str(root / "llama2.json"))


def _documents(root: Path) -> None:
    doc_files(root, doc_record(answer="B"), doc_record(question="Who?", answer="C"))
    write_json(root / "MMLBD-C" / "data" / "samples.json", [doc_record(answer=letter) for letter in "BC"])
    write_lines(root / LONGDOCURL, [longdocurl_record(root, answer="B", answer_format="String")])
    write_lines(root / SLIDES, [slidevqa_record(root, qa_id=n, answer=letter) for n, letter in enumerate("BC")])
    write_dude(root, dude_record(root))


def _films(root: Path) -> None:
    options = ["A. red", "B. blue", "C. green"]
    mme_files(root, *(mme(question_id=letter, answer=letter, options=options) for letter in "BC"))
    film = {"video": "a.mp4", "question": "How?", "candidates": ["red", "blue", "green"]}
    for task, answers in {"1_plotQA": ("blue", "blue"), "2_needle": ("blue", "green")}.items():
        asked = [{**film, "answer": answer, "question_type": task[2:]} for answer in answers]
        write_json(root / "MLVU" / "json" / f"{task}.json", asked)
        write_frames(root / "MLVU" / "video" / task / "a", 2, (84, 56))
    record = {"video_id": "v", "video_path": "v.mp4", "subtitle_path": "", "question": "When?", "duration": 2.0}
    asked = [{**record, "id": f"{n}", "candidates": ["a", "b", "c"], "correct_choice": 2} for n in range(2)]
    write_json(root / "LongVideoBench" / "lvb_val.json", asked)
    write_frames(root / "LongVideoBench" / "videos" / "v", 2, (84, 56))
    scene = {"video": "a.mp4", "question": "Describe.", "answer": "B", "question_type": "subPlot"}
    write_json(root / "MLVU/json/8_sub_scene.json", [{**scene, "scoring_points": ["B"]}])
    write_frames(root / "MLVU/video/8_sub_scene/a", 1)


def _short(root: Path) -> None:
    green = {"C": "green"}
    rotated = [
        choice(7, "B", **green),
        choice(1_000_007, "C", **green),
        choice(8, "B", **green),
        choice(9, "C", **green),
    ]
    tsv(root, "MMBench_DEV_EN_V11", *rotated)
    for name, letters in {"RealWorldQA": "BB", "MMMU_DEV_VAL": "BC", "MMMU_Pro_10c": "CC"}.items():
        tsv(root, name, *(choice(n, letter, split="validation", **green) for n, letter in enumerate(letters)))
    short = {"image": encoded(), "question": "Read."}
    kinds = {"question_type": "multi_choice", "answer_type": "text", "choices": "['x', 'y', 'z']"}
    maths = [{**short, **kinds, "index": n, "answer": "xyz"[n], "answer_option": "ABC"[n]} for n in (1, 2)]
    tsv(root, "MathVista_MINI", *maths)
    read = [
        {**short, "index": n, "category": "Doc-oriented VQA", "answer": f"['{word}']"} for n, word in enumerate("BC")
    ]
    tsv(root, "OCRBench", *read)

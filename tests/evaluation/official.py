"""Small data sets in the official formats, with real pictures and PDFs, as a test needs them."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmprolong.conversations import Message, Text, flat
from mmprolong.evaluation.benchmarks import Benchmark, Inputs
from mmprolong.evaluation.scorers import conclude
from mmprolong.evaluation.scorers.mmlongbench_tasks import MMLongBenchTasks
from mmprolong.records import Reject, Sample
from tests.corpus.pdfs import write_pdf
from tests.images.pictures import write_picture

ANSWER = (Message("assistant", (Text("Answer:"),)),)
"""What MMLongBench lets a model go on from."""


def asked(benchmark: Benchmark, root: Path) -> tuple[list[Sample], list[Reject]]:
    """The questions of a benchmark, and what was refused."""
    found = list(benchmark.samples("bench", Inputs(data_root=root)))
    return [each for each in found if isinstance(each, Sample)], [each for each in found if isinstance(each, Reject)]


def seen(sample: Sample) -> str:
    """The user's turn as text, images as marks."""
    (user, *_) = sample.prompt
    return "".join(part.text if isinstance(part, Text) else "<image>" for part in flat(user.parts))


def right(sample: Sample, reply: str) -> float:
    """The mark of a reply, by the metric that MMLongBench has for its task."""
    return conclude(MMLongBenchTasks().score(sample, reply)).value


def write_lines(path: Path, *records: Any) -> Path:
    """JSON lines; a record that is text is written as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in records))
    return path


def write_images(folder: Path, paths: Iterable[str], size: tuple[int, int] = (56, 56)) -> None:
    """Pictures at paths below a folder."""
    for path in paths:
        if not (folder / path).exists():
            write_picture(folder / path, size)


def paragraph(text: str, image: str | None = None) -> dict[str, Any]:
    """A paragraph of a needle's context."""
    return {"text": text, "type": "image" if image else "text", "image": image}


def niah_record(root: Path, **changed: Any) -> dict[str, Any]:
    """A record of MM-NIAH in MMLongBench's format: text, an image, text."""
    record = {
        "id": 7,
        "question": "Which colour has the key?",
        "answer": "red",
        "ctxs": [
            paragraph("A street."),
            paragraph("<image>", "mm-niah/a.jpg"),
            paragraph("The key is red."),
        ],
        "positive_ctxs": [paragraph("The key is red.")],
        "image_list": ["mm-niah/a.jpg"],
        "category": "retrieval",
        "depth": 0.4,
        **changed,
    }
    lists = ("image_list", "needle_image_list", "choices_image")
    write_images(root / "mmlb_image", (path for key in lists for path in record.get(key, ())))
    return record


def haystack_record(root: Path, **changed: Any) -> dict[str, Any]:
    """A record of Visual Haystacks: images alone."""
    images = ["vh/1.jpg", "vh/2.jpg"]
    write_images(root / "mmlb_image", images)
    question = "For the image with a truck, is there a dog?"
    return {"id": "h1", "question": question, "answer": "Yes", "ctxs": images, "depth": 0.0, **changed}


def vrag_record(root: Path, **changed: Any) -> dict[str, Any]:
    """A record of InfoSeek or ViQuAE: three passages, of which the second answers."""
    passages = [{"doc_id": str(n), "title": f"Title {n}", "text": f"Passage {n}."} for n in range(3)]
    record = {
        "id": "q1",
        "question": "Who built this?",
        "original_question": "Who built the Eiffel Tower?",
        "image": "vrag/tower.jpg",
        "answer": ["Eiffel", "Gustave Eiffel"],
        "entity_id": "Q243",
        "entity_text": "Eiffel Tower",
        "positive_ctxs": [passages[1]],
        "ctxs": passages,
        "length": 8000,
        **changed,
    }
    write_images(root / "mmlb_image", [record["image"]])
    return record


def icl_file(root: Path, path: str, questions: int = 2, **changed: Any) -> dict[str, Any]:
    """A file of many-shot learning: one candidate of two rounds of two classes."""
    rounds = [[{"image": f"icl/{turn}{label}.jpg", "id": label} for label in (0, 1)] for turn in "ab"]
    tests: list[Any] = [{"id": n, "image": f"icl/test{n}.jpg", "answer": n % 2} for n in range(questions)]
    content = {"cars": {"exemplar_list": [rounds], "all_token_count": 8000, "test_example": tests, **changed}}
    images = [each["image"] for turn in rounds for each in turn] + [each["image"] for each in tests]
    write_images(root / "mmlb_image", images)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(json.dumps(content))
    return content


def tsv_row(root: Path, **changed: Any) -> dict[str, str]:
    """A row of VLMEvalKit's table: a question on two pages, the second of them the document's own."""
    images = ["longdocurl/40/40_page3.jpg", "longdocurl/41/41_page7.jpg"]
    write_images(root / "mmlb_image", images)
    extra = {"doc_name": "41", "ans_page_list": [7], "answer": "5", "answer_format": "Integer", "question": "How many?"}
    row = {
        "index": "0",
        "question_id": "free_41",
        "question": "You see:\n\nDocument 40: <image token>\n\nDocument 41: <image token>\n\nQuestion: ?",
        "answer": "5",
        "image_path": json.dumps(images),
        "mmlb_subset": "documentQA_256_sr50",
        "task": "documentQA",
        "source_dataset": "longdocurl",
        "question_type": "open",
        "tags": "[]",
        "extra_info": json.dumps(extra),
    }
    return {**row, **changed}


def write_tsv(path: Path, *rows: dict[str, str]) -> None:
    """A table as pandas writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def longdocurl_record(root: Path, **changed: Any) -> dict[str, Any]:
    """A record of LongDocURL: a window of three pages, whose paths are those of another machine."""
    pages = [f"4000-4999/4055/4055915_{number}.png" for number in (41, 42, 43)]
    write_images(root / "LongDocURL" / "pdf_pngs", pages)
    record = {
        "question_id": "free_4055915_42_44_8",
        "doc_no": "4055915",
        "total_pages": 84,
        "start_end_idx": [42, 44],
        "question_type": "calculate",
        "question": "How many criteria are there?",
        "answer": 5,
        "detailed_evidences": "",
        "evidence_pages": [43],
        "evidence_sources": ["Table", "Text"],
        "answer_format": "Integer",
        "task_tag": "Reasoning",
        "images": [f"/data/public_datasets/pdf_pngs/{page}" for page in pages],
        "pdf_path": "/data/public_datasets/ccpdf_zip/4000-4999/4055915.pdf",
    }
    return {**record, **changed}


def slidevqa_record(root: Path, **changed: Any) -> dict[str, Any]:
    """A record of SlideVQA: a deck of three slides."""
    names = [f"growth-{number}-1024.jpg" for number in (1, 2, 3)]
    write_images(root / "SlideVQA" / "images" / "test" / "growth", names)
    record = {
        "deck_name": "growth",
        "deck_url": "https://www.slideshare.net/growth",
        "image_urls": [f"https://image.slidesharecdn.com/growth/95/{name}" for name in names],
        "qa_id": 11,
        "question": "What grew most?",
        "answer": "mobile traffic",
        "arithmetic_expression": None,
        "evidence_pages": [2, 3],
        "reasoning_type": "Multi-Hop",
        "answer_type": "Single-span",
    }
    return {**record, **changed}


def dude_record(root: Path, **changed: Any) -> dict[str, Any]:
    """An item of DUDE: a question on a PDF of three pages."""
    path = root / "DUDE" / "DUDE_train-val-test_binaries" / "PDF" / "val" / "7afe.pdf"
    if not path.exists():
        write_pdf(path, ["a", "b", "c"])
    record = {
        "questionId": "7afe_4a86",
        "question": "When was it signed?",
        "answers": ["1894"],
        "answers_page_bounding_boxes": [[{"left": 185, "top": 70, "width": 299, "height": 74, "page": 1}]],
        "answers_variants": [],
        "answer_type": "extractive",
        "docId": "7afe",
        "data_split": "val",
    }
    return {**record, **changed}


def write_dude(root: Path, *records: Any) -> Path:
    """DUDE's file of questions."""
    path = root / "DUDE" / "2023-03-23_DUDE_gt_test_PUBLIC.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"dataset_name": "DUDE Dataset", "dataset_version": "0.1", "data": records}))
    return path

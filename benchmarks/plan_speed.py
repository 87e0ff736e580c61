"""Time to plan 13,000 samples of MMLongBench: read, count, group: `python benchmarks/plan_speed.py [samples]`.

Records as the official files have them: documents of 20 to 56 pages, five questions on each; every page is an image
file whose header is read. The tokenizer is a byte-level one of a tiny Qwen2.5-VL, which splits texts into more tokens
than the published one.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import PIL.Image

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.engines import Subject
from mmprolong.evaluation.engines.transformers import Transformers
from mmprolong.evaluation.prefill import prefill_of
from mmprolong.images.image_files import FileImages
from mmprolong.images.renderer import find_renderer
from mmprolong.models.shapes import shape_of
from mmprolong.records import Gold, Sample
from mmprolong.settings.knobs import Model, View
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from tests.models.tiny import write_model

QUESTIONS, PAGES, FILES = 5, 56, 4_000
RULES = (
    "You are given a document with text and images, and a question. Answer the question as concisely as you can. " * 3
)


def samples(count: int) -> list[Sample]:
    rng = np.random.default_rng(0)
    made = []
    for document in range(-(-count // QUESTIONS)):
        pages = rng.integers(0, FILES, int(rng.integers(20, PAGES + 1)))
        parts: list[Text | Image] = []
        for number, page in enumerate(pages):
            parts += [Text(f"{'' if number else RULES}\n\nDocument {document % 500}: "), Image(f"file:{page}.png")]
        for question in range(QUESTIONS):
            text = f"\n\nQuestion: what is the number {question} of table {document} on the page about results?"
            made.append(
                Sample(
                    id=f"{document}-{question}",
                    benchmark="b",
                    task="t",
                    length="128K",
                    cluster=str(document),
                    prompt=(Message("user", (*parts, Text(text))), Message("assistant", (Text("Answer:"),))),
                    gold=Gold(""),
                )
            )
    return made[:count]


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for page in range(FILES):
            PIL.Image.new("1", (1240 + page % 7, 1754)).save(folder / f"{page}.png")
        write_jsonl(folder / "samples.jsonl", samples(count))
        model = Model(backbone="qwen2_5_vl", path=write_model("qwen2_5_vl", folder / "model"))
        images = FileImages(folder, find_renderer("pymupdf"))
        started = time.process_time()
        found = list(read_jsonl(folder / "samples.jsonl", Sample))
        read = time.process_time() - started
        engine = Transformers(memory=1000.0).start(Subject(model), images, View(), 128)
        batches = list(engine.batches(found))
        grouped = time.process_time() - started
        plan = prefill_of(batches, 128, shape_of(model))
        seconds = time.process_time() - started
    print(
        f"{plan.samples:,} samples, {plan.documents:,} documents, {plan.apart:,} tokens, {plan.shared:,} with sharing"
    )
    parts = f"read {read:.1f}, counted and grouped {grouped - read:.1f}, summed {seconds - grouped:.1f}"
    print(f"{seconds:.1f} s of the processor: {parts}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 13_000)

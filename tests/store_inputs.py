"""The part of a written store that all its runs share: a pool of documents, and examples made from it."""

import hashlib
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import Inputs
from mmprolong.evaluation.benchmarks.generated import Generated
from mmprolong.images.documents import Document
from mmprolong.pipeline.steps import split_path
from mmprolong.records import Example, Gold, Measured, Sample
from mmprolong.store.jsonl import write_jsonl
from mmprolong.store.parquet import write_parquet
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store, hash_outputs
from tests.offline import DIGEST, MADE

LENGTHS = ["1x", "2x", "4x", "8x", "16x"]
SIDE = 56
"""Of a thumbnail [px]."""
BENCHMARK = "heldout"
SHARED = {
    "corpus": "corpus-demo",
    "selection": "selection-pool",
    "render": "render-56",
    "synthesis.long": "synthesis-long",
    "synthesis.heldout": "synthesis-heldout",
    "measurement.long": "measurement-long",
    f"samples.{BENCHMARK}": "samples-heldout",
}
"""The steps of every run."""


def finish(store: Store, path: str, metrics: dict | None = None, needs: dict | None = None) -> None:
    """Write the record of a step whose files are there."""
    stage, step = split_path(path)
    record = RunRecord(
        id=step,
        stage=stage,
        version=1,
        settings={},
        needs=needs or {},
        metrics=metrics or {},
        outputs=hash_outputs(store.folder(stage, step)),
        started="2026-11-20T12:00:00+00:00",
        seconds=61.5,
        cpu_hours=0.034,
        code={f"{stage}/made.py": DIGEST},
        **MADE,
    )
    store.finish(record)


def new_folder(store: Store, role: str, steps: Mapping[str, str]) -> Path:
    """Make the folder of the step of a role."""
    folder = store.folder(role.partition(".")[0], steps[role])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def path_of(role: str, steps: Mapping[str, str]) -> str:
    return f"{role.partition('.')[0]}/{steps[role]}"


def write_inputs(store: Store, documents: int, questions: int) -> None:
    """Write a pool of three documents, a training source, and a held-out source.

    Args:
        documents: of the held-out source, at each length.
        questions: on each of them.
    """
    names = [hashlib.sha256(str(index).encode()).hexdigest() for index in range(3)]
    pages = ((595.0, 842.0),) * 24
    pool = [Document(id=name, source=f"{name[:6]}.pdf", page_sizes=pages) for name in names]
    corpus = new_folder(store, "corpus", SHARED)
    write_jsonl(corpus / "documents.jsonl", pool)
    (corpus / "pool.txt").write_text(str(corpus))
    np.save(new_folder(store, "render", SHARED) / "thumbnails.npy", _pages(72))
    new_folder(store, "selection", SHARED)
    examples = {
        "long": [_example("train-0-0", names[0], 20, "extract_single", 4)],
        "heldout": _heldout(names[1], documents, questions),
    }
    for source, written in examples.items():
        write_jsonl(new_folder(store, f"synthesis.{source}", SHARED) / "examples.jsonl", written)
    rows = [
        Measured(
            example=one.id,
            conversation="answer",
            task=one.task,
            cluster=one.cluster,
            length=one.length,
            tokens=112,
            supervised=8,
            images=20,
        )
        for one in examples["long"]
    ]
    write_parquet(new_folder(store, "measurement.long", SHARED) / "measured.parquet", rows, Measured)
    write_jsonl(new_folder(store, f"samples.{BENCHMARK}", SHARED) / "samples.jsonl", heldout_samples(store))
    for role in SHARED:
        finish(store, path_of(role, SHARED))


def heldout_samples(store: Store) -> list[Sample]:
    synthesis = store.folder("synthesis", SHARED["synthesis.heldout"])
    found = Generated().samples(BENCHMARK, Inputs(synthesis=synthesis, data_root=None))
    return [sample for sample in found if isinstance(sample, Sample)]


def _pages(count: int) -> np.ndarray:
    """Thumbnails that look like set text: dark lines of uneven length on a light ground."""
    rng = np.random.default_rng(0)
    pages = np.full((count, SIDE, SIDE), 246, np.uint8)
    for page in pages:
        for top in range(5, SIDE - 4, 4):
            page[top : top + 2, 5 : 5 + rng.integers(20, SIDE - 10)] = rng.integers(90, 190)
    return pages


def _heldout(pool: str, documents: int, questions: int) -> list[Example]:
    tasks = {"extract_single": questions - questions // 4, "reasoning": questions // 4}
    return [
        _example(f"heldout-{place}-{number}", pool, 4 * 2**place, task, turns, length)
        for place, length in enumerate(LENGTHS)
        for number in range(documents)
        for task, turns in tasks.items()
        if turns
    ]


def _example(document: str, pool: str, pages: int, task: str, turns: int, length: str = "") -> Example:
    draw = random.Random(f"{document}-{task}")
    images = tuple(
        Image(f"pdf:{pool}", page % 24, stamp=f"{chr(65 + page % 26)}{draw.randrange(10)}") for page in range(pages)
    )
    asked = [draw.randrange(pages) for _ in range(turns)]
    messages: list[Message] = []
    for number, page in enumerate(asked):
        key, value = images[page].stamp
        messages.append(Message("user", (*(images if number == 0 else ()), Text(f"find {key}"))))
        messages.append(Message("assistant", (Text(value, learned=True),)))
    return Example(
        id=f"{document}-{task}",
        task=task,
        cluster=document,
        sources=(pool,),
        conversations={"answer": tuple(messages)},
        gold=tuple(Gold(images[page].stamp[1], evidence=(page,)) for page in asked),
        length=length,
    )

"""MMLongBench v1.1's documentQA: questions on documents that were cut or padded to a nominal number of tokens."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

import msgspec
import numpy as np

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.images.image_files import SCHEME
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("MMLongBench v1.1", "MIT", "https://huggingface.co/datasets/ZhaoweiWang/MMLongBench")
QUESTIONS = "mmlb_data/documentQA"
IMAGES = "mmlb_image"
PREFIX = "Answer:"
"""The model's turn is begun with it."""
_INSTRUCTION = (
    "You are given a document with text and images, and a question. Answer the question as concisely as you can, using "
    "a single phrase or sentence if possible. If the question cannot be answered based on the information in the "
    "article, write 'Not answerable.' Write your answer in the following format:\nAnswer: [answer]\n\n"
)
_OFFICIAL_SEED, _OFFICIAL_COUNT = 42, 100
_NAME = 15
"""Letters of a document's name that are shown."""


class _Record(msgspec.Struct):
    """One line of an official file."""

    doc_name: str
    question: str
    answer: Any
    answer_format: str
    page_list: list[str]
    """Images of the pages shown, own and foreign."""
    id: Any = ""
    ans_page_list: Any = None
    """Pages of the whole document, from 0."""
    answer_sources: Any = None


@dataclass(frozen=True)
class MMLongBenchDocQA:
    """documentQA of three data sets at five lengths.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (load_doc_qa).
    """

    version: ClassVar[int] = 1
    sets: tuple[Literal["mmlongdoc", "longdocurl", "slidevqa"], ...] = ("mmlongdoc", "longdocurl", "slidevqa")
    lengths: tuple[Literal["8K", "16K", "32K", "64K", "128K"], ...] = ("64K", "128K")
    sampling: Literal["all", "official"] = "all"
    """`official`: 100 questions of each file, as the papers' numbers have it."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, set by set and length by length.

        Raises:
            ConfigError: a file or an image is not in the data root.
        """
        pages: set[str] = set()
        for data_set in self.sets:
            for length in self.lengths:
                path = DATA.file(inputs, f"{QUESTIONS}/{data_set}_K{length[:-1]}.jsonl")
                for number, record in self._records(path):
                    if isinstance(record, Reject):
                        yield record
                        continue
                    for page in {*record.page_list} - pages:
                        DATA.file(inputs, f"{IMAGES}/{page}")
                    pages.update(record.page_list)
                    yield _sample(record, name, data_set, length, number)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the papers' number (macro over sets, then over lengths) and the mean over questions."""
        return macro_and_micro(scores)

    def _records(self, path: Path) -> Iterator[tuple[int, _Record | Reject]]:
        """Yield the questions of one file with the places of their lines."""
        lines = path.read_bytes().splitlines()
        for number in drawn(len(lines)) if self.sampling == "official" else range(len(lines)):
            try:
                yield number, msgspec.json.decode(lines[number], type=_Record)
            except msgspec.DecodeError as error:
                what = f"{path.name}:{number + 1}"
                yield number, Reject(what=what, reason="not an official record", detail=str(error))


def drawn(count: int) -> list[int]:
    """Return the lines that the official code evaluates, in its order: the first 100 of all, shuffled by seed 42.

    Source: https://github.com/huggingface/datasets/blob/4.0.0/src/datasets/arrow_dataset.py (Dataset.shuffle: a
    permutation by numpy's default generator).
    """
    return np.random.default_rng(_OFFICIAL_SEED).permutation(count)[:_OFFICIAL_COUNT].tolist()


def _sample(record: _Record, name: str, data_set: str, length: str, number: int) -> Sample:
    question = f"Based on Document {record.doc_name:.{_NAME}}, answer the following question. {record.question}"
    evidence = tuple(_evidence(record))
    facts: dict[str, str | float] = {
        "id": str(record.id),
        "question": question,
        "evidence": _words(record.answer_sources),
    }
    if evidence:
        facts["depth"] = evidence[0] / max(len(record.page_list) - 1, 1)
    return Sample(
        id=f"{data_set}-{length}-{number}",
        benchmark=name,
        task=data_set,
        length=length,
        cluster=f"{data_set}/{record.doc_name}",
        prompt=(Message("user", tuple(_parts(record, question))), Message("assistant", (Text(PREFIX),))),
        gold=Gold(record.answer, record.answer_format, evidence),
        facts=facts,
    )


def _parts(record: _Record, question: str) -> Iterator[Text | Image]:
    before = _INSTRUCTION
    for page in record.page_list:
        yield Text(f"{before}Document {_document(page):.{_NAME}}: ")
        yield Image(f"{SCHEME}{IMAGES}/{page}")
        before = "\n\n"
    yield Text(f"{before}Question: {question}")


def _evidence(record: _Record) -> Iterator[int]:
    """Yield the places of the pages that the answer rests on; slides are numbered from 1 in their files' names."""
    wanted = record.ans_page_list if isinstance(record.ans_page_list, list) else []
    for place, page in enumerate(record.page_list):
        found = re.search(r"(?:_page|-)(\d+)(?P<slide>-\d+)?\.\w+$", page)
        if found and _document(page) == record.doc_name and int(found[1]) - bool(found["slide"]) in wanted:
            yield place


def _document(page: str) -> str:
    return PurePosixPath(page).parent.name


def _words(sources: Any) -> str:
    return ", ".join(map(str, sources)) if isinstance(sources, list) else str(sources or "")

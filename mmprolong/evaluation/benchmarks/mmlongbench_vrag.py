"""MMLongBench v1.1's visual RAG: questions on the entity in an image, with passages of which some answer them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Image, Text
from mmprolong.evaluation.benchmarks import Inputs
from mmprolong.evaluation.benchmarks._mmlongbench import (
    Released,
    Sampling,
    TaskGroup,
    drawn_ids,
    image_files,
    k_of,
    question_file,
    sample,
)
from mmprolong.evaluation.benchmarks._records import (
    DEFECT,
    HIDDEN,
    ImageFiles,
    LocatedRecord,
    Refused,
    ask,
    json_lines,
    read_rows,
)
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample

FILES = {"infoseek": "infoseek_K{}_dep3", "viquae": "viquae_K{}_dep6", "triviaqa": "viquae_K{}_dep6"}
_INSTRUCTION = (
    "Use the given documents to write a concise and short answer to the question about {}. Write your answer in the "
    "following format:\nAnswer: [answer]\n\n"
)
_OFFICIAL_IDS = 100


class _Passage(msgspec.Struct):
    title: str
    text: str
    doc_id: Any = None


class _Record(msgspec.Struct):
    """One line of an official file."""

    id: int | str
    question: str
    image: str
    answer: Any
    """Texts, each of which is right."""
    ctxs: list[_Passage]
    positive_ctxs: list[_Passage] = []
    original_question: str = ""
    """Names the entity, so that no image is needed."""


@dataclass(frozen=True)
class MMLongBenchVRAG(TaskGroup):
    """InfoSeek and ViQuAE, and ViQuAE's questions in words (`triviaqa`).

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (load_vrag, load_text_rag).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mmlongbench_tasks"
    sets: tuple[Literal["infoseek", "viquae", "triviaqa"], ...] = ("infoseek", "viquae")
    lengths: tuple[Released, ...] = ("64K", "128K")
    sampling: Sampling = "all"
    """`official`: 100 ids of each file, at all their depths."""

    def questions(self, name: str, data_set: str, length: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions of one file."""
        path = question_file(inputs, f"vrag/{FILES[data_set].format(k_of(length))}.jsonl")
        images = image_files(inputs)
        rows = read_rows(json_lines(path), _Record)
        if self.sampling == "official":
            ids = drawn_ids(path, _OFFICIAL_IDS)
            rows = (row for row in rows if isinstance(row, Reject) or _is_drawn(row.record, ids))
        yield from ask(rows, lambda row: _sample(row, images, name, data_set, length), _id_and_order)


def _id_and_order(record: _Record) -> tuple[Any, int]:
    """Return what tells the depths of an id apart."""
    return record.id, hash(tuple((str(each.doc_id), each.title, each.text) for each in record.ctxs))


def _is_drawn(record: _Record, ids: set[str]) -> bool:
    return str(record.id) in ids and '"' not in record.image


def _sample(row: LocatedRecord[_Record], images: ImageFiles, name: str, data_set: str, length: str) -> Sample:
    record = row.record
    passages = "\n\n".join(f"Document (Title: {each.title}): {each.text}" for each in record.ctxs)
    in_words = data_set == "triviaqa"
    if in_words and not record.original_question:
        raise Refused("no question in words", "original_question is empty")
    about = "a named entity" if in_words else "the entity shown in the image"
    head = Text(f"{_INSTRUCTION.format(about)}{passages}\n\nQuestion: ")
    question = record.original_question if in_words else record.question
    parts: tuple[Text | Image, ...] = (head, Text(question))
    if not in_words:
        parts = (head, images.image(record.image), Text(question))
    place = _first_place(record)
    facts: dict[str, str | float] = {"id": str(record.id), "question": question}
    if record.positive_ctxs and place is None:
        facts[DEFECT] = f"{HIDDEN}: none of {len(record.positive_ctxs)} passages that answer is shown"
    if place is not None:
        facts["depth"] = place / max(len(record.ctxs) - 1, 1)
    return sample(name, data_set, length, row, parts, Gold(record.answer, "sub_em"), str(record.id), facts)


def _first_place(record: _Record) -> int | None:
    """Return the place of the first passage that answers the question."""
    right = {(each.doc_id, each.text) for each in record.positive_ctxs}
    return next((place for place, each in enumerate(record.ctxs) if (each.doc_id, each.text) in right), None)

"""MMLongBench v1.1's documentQA: questions on documents that were cut or padded to a nominal number of tokens."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec

from mmprolong.conversations import Image, Text
from mmprolong.errors import DataError
from mmprolong.evaluation.benchmarks import Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._mmlongbench import (
    SEED,
    Released,
    Sampling,
    image_files,
    k_of,
    question_file,
    sample,
    shuffled_lines,
)
from mmprolong.evaluation.benchmarks._padding import NegativePages, Negatives, document_of, page_number
from mmprolong.evaluation.benchmarks._records import (
    ImageFiles,
    LocatedRecord,
    Refused,
    ask,
    json_lines,
    page_defects,
    read_rows,
)
from mmprolong.evaluation.lengths import size
from mmprolong.images.image_files import FileImages
from mmprolong.images.renderer import find_renderer
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

_INSTRUCTION = (
    "You are given a document with text and images, and a question. Answer the question as concisely as you can, using "
    "a single phrase or sentence if possible. If the question cannot be answered based on the information in the "
    "article, write 'Not answerable.' Write your answer in the following format:\nAnswer: [answer]\n\n"
)
_NAME = 15
"""Letters of a document's name that are shown."""
_LONGEST = "128K"
"""Released length from which others are built."""


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

    @property
    def document(self) -> str:
        """Folder of the document's pages."""
        return self.doc_name.removesuffix(".pdf")

    @property
    def pages(self) -> list[Any]:
        """Pages of the document that the answer rests on."""
        return self.ans_page_list if isinstance(self.ans_page_list, list) else []

    def is_evidence(self, page: str) -> bool:
        """Tell whether the answer rests on the page that an image shows."""
        return document_of(page) == self.document and page_number(page) >= 0 and page_number(page) in self.pages

    def own_pages(self) -> tuple[list[str], set[str]]:
        """Return the pages shown of the document itself, and those of them that the answer rests on.

        Raises:
            Refused: there is none.
        """
        own = [page for page in self.page_list if document_of(page) == self.document]
        if not own:
            raise Refused("no page of the document", self.doc_name)
        return own, {page for page in own if self.is_evidence(page)}


@dataclass(frozen=True)
class MMLongBenchDocQA:
    """documentQA of three data sets, at the released lengths and at any other that is built from the longest one.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (load_doc_qa).
    """

    version: ClassVar[int] = 2
    scorer: ClassVar[Choice] = "mmlongbench_docqa_rule"
    sets: tuple[Literal["mmlongdoc", "longdocurl", "slidevqa"], ...] = ("mmlongdoc", "longdocurl", "slidevqa")
    lengths: tuple[Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d*[KM]$")], ...] = ("64K", "128K")
    sampling: Sampling = "all"
    """`official`: 100 questions of each file, as the papers' numbers have it."""
    negatives: Negatives = "random"
    """`related`: every length is built, with documents around the own one that are like it."""
    seed: int = SEED
    """Of the documents in contexts that are built."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, set by set and length by length.

        Raises:
            ConfigError: a file, or the folder of the images, is not in the data root.
        """
        for data_set in self.sets:
            built = [length for length in self.lengths if self._is_built(length)]
            pool = self._pool(data_set, inputs) if built else None
            for length in self.lengths:
                yield from self._questions(name, data_set, length, inputs, pool if length in built else None)
            if pool:
                yield from pool.rejects

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the papers' number (macro over sets, then over lengths) and the mean over questions."""
        return macro_and_micro(scores)

    def _is_built(self, length: str) -> bool:
        return length not in get_args(Released) or self.negatives != "random"

    def _pool(self, data_set: str, inputs: Inputs) -> NegativePages:
        """Return all pages that the longest released file of a data set shows."""
        path = _file(inputs, data_set, _LONGEST)
        pool = NegativePages(_sizes(image_files(inputs), inputs), self.negatives, self.seed)
        for row in read_rows(json_lines(path), _Record):
            if isinstance(row, LocatedRecord):
                pool.add(row.record.document, row.record.question, row.record.page_list)
        return pool

    def _questions(
        self, name: str, data_set: str, length: str, inputs: Inputs, pool: NegativePages | None
    ) -> Iterator[Sample | Reject]:
        """Yield the questions of one cell.

        Args:
            pool: of the pages around each document; none: as released.
        """
        path = _file(inputs, data_set, _LONGEST if pool else length)
        images = image_files(inputs)

        def make(row: LocatedRecord[_Record]) -> Sample:
            if pool is None:
                return _sample(row, row.record.page_list, images, name, data_set, length)
            pages, tokens = pool.padded(*row.record.own_pages(), int(size(length)))
            built = {"negatives": self.negatives, "negatives_seed": self.seed, "tokens": tokens}
            return _sample(row, pages, images, name, data_set, length, built)

        rows = read_rows(shuffled_lines(path, self.sampling), _Record)
        yield from ask(rows, make, lambda record: record.id or None, lambda record: record.pages)


def _file(inputs: Inputs, data_set: str, length: str) -> Path:
    return question_file(inputs, f"documentQA/{data_set}_K{k_of(length)}.jsonl")


def _sizes(images: ImageFiles, inputs: Inputs) -> Callable[[str], tuple[int, int]]:
    """Return a function that reads the size of an image once."""
    assert inputs.data_root is not None
    files = FileImages(inputs.data_root, find_renderer("pymupdf"))

    @cache
    def size_of(page: str) -> tuple[int, int]:
        try:
            return files.size(images.image(page))
        except Refused:
            raise
        except DataError as error:
            raise Refused("image cannot be read", str(error)) from error

    return size_of


def _sample(
    row: LocatedRecord[_Record],
    pages: Sequence[str],
    images: ImageFiles,
    name: str,
    data_set: str,
    length: str,
    built: Mapping[str, str | float] | None = None,
) -> Sample:
    record = row.record
    question = f"Based on Document {record.doc_name:.{_NAME}}, answer the following question. {record.question}"
    evidence = tuple(place for place, page in enumerate(pages) if record.is_evidence(page))
    kinds = _words(record.answer_sources)
    facts: dict[str, str | float] = {"id": str(record.id), "question": question, "evidence": kinds, **(built or {})}
    shown = {page_number(page) for page in pages if document_of(page) == record.document}
    facts |= page_defects(record.pages, shown, 0, None)
    if evidence:
        facts["depth"] = evidence[0] / max(len(pages) - 1, 1)
    return sample(
        name,
        data_set,
        length,
        row,
        tuple(_parts(pages, images.images(pages), question)),
        Gold(record.answer, record.answer_format, evidence),
        record.doc_name,
        facts,
    )


def _parts(pages: Sequence[str], images: Sequence[Image], question: str) -> Iterator[Text | Image]:
    before = _INSTRUCTION
    for page, image in zip(pages, images, strict=True):
        yield Text(f"{before}Document {document_of(page):.{_NAME}}: ")
        yield image
        before = "\n\n"
    yield Text(f"{before}Question: {question}")


def _words(sources: Any) -> str:
    return ", ".join(map(str, sources)) if isinstance(sources, list) else str(sources or "")

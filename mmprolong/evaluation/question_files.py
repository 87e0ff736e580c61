"""Questions as benchmarks publish them, for checks that need no model: nothing is mended or left out."""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from mmprolong.conversations import images_of
from mmprolong.errors import DataError
from mmprolong.images.image_files import SCHEME, FileImages
from mmprolong.images.renderer import find_renderer
from mmprolong.records import Gold, Sample

_LENGTH = re.compile(r"_K(\d+)")
_PAGE = re.compile(r"(?:_page|-)(\d+)(?P<slide>-\d+)?\.\w+$")
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """A question as its file has it."""

    where: str = ""
    """File, and line or index."""
    id: str
    """Empty: the file gives none."""
    document: str
    question: str
    gold: Gold
    """Its evidence stays empty: `evidence` below counts as the file does."""
    evidence: tuple[int, ...] = ()
    """Pages of the document that the answer rests on, in the file's numbers."""
    first_page: int = 1
    """Number of a document's first page in this format."""
    pages: int | None = None
    """Of the document; None: not known."""
    shown: frozenset[int] | None = None
    """Pages of the document that this length shows, in the file's numbers; None: all, up to a cap."""
    length: str = ""


@dataclass(frozen=True, slots=True)
class QuestionFormat:
    """The format in which one benchmark publishes its questions."""

    fields: set[str]
    """Fields by which its records are known."""
    scorer: str
    """Its own scorer; empty: none is its own."""
    question: Callable[[Record, Path], AskedQuestion]
    """Makes the question of a record of a file; ValueError, TypeError, SyntaxError: the record is malformed."""


def _longdocurl(record: Record, path: Path) -> AskedQuestion:
    """Source: https://huggingface.co/datasets/dengchao/LongDocURL (LongDocURL_public_with_subtask_category.jsonl)."""
    first, last = map(int, record["start_end_idx"])
    return AskedQuestion(
        id=str(record["question_id"]),
        document=str(record["doc_no"]),
        question=str(record["question"]),
        gold=Gold(record["answer"], str(record["answer_format"])),
        evidence=tuple(map(int, record["evidence_pages"])),
        pages=int(record["total_pages"]) if "total_pages" in record else None,
        shown=frozenset(range(first, last + 1)),
    )


def _mmlongbench_doc(record: Record, path: Path) -> AskedQuestion:
    """Lists as Python writes them; pages are counted where the PDFs lie beside the file, in `documents/`.

    Source: https://github.com/VectifyAI/MMLongBench-Doc-V2/tree/3aba3c6/data.
    """
    evidence = record["evidence_pages"]
    return AskedQuestion(
        id="",
        document=str(record["doc_id"]),
        question=str(record["question"]),
        gold=Gold(record["answer"], str(record["answer_format"])),
        evidence=tuple(map(int, ast.literal_eval(evidence) if isinstance(evidence, str) else evidence)),
        pages=_pages(path.parent / "documents", str(record["doc_id"])),
    )


@cache
def _pages(folder: Path, name: str) -> int | None:
    if not (folder / name).is_file():
        return None
    try:
        return FileImages(folder, find_renderer("pymupdf")).pages(f"{SCHEME}{name}")
    except DataError:  # what cannot be opened is the loader's reject; its pages are not known here
        return None


def _mmlongbench_docqa(record: Record, path: Path) -> AskedQuestion:
    """Of the images that a length shows only those of the question's own document count.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (load_doc_qa).
    """
    length = _LENGTH.search(path.stem)
    name = str(record["doc_name"])
    pages = (_PAGE.search(page) for page in record["page_list"] if PurePosixPath(page).parent.name == name)
    evidence = record.get("ans_page_list")
    return AskedQuestion(
        id=str(record.get("id", "")),
        document=name,
        question=str(record["question"]),
        gold=Gold(record["answer"], str(record["answer_format"])),
        evidence=tuple(map(int, evidence)) if isinstance(evidence, list) else (),
        first_page=0,
        # slides are numbered from 1 in their files' names
        shown=frozenset(int(page[1]) - bool(page["slide"]) for page in pages if page),
        length=f"{length[1]}K" if length else "",
    )


def _own_samples(record: Record, path: Path) -> AskedQuestion:
    """Of `samples.jsonl` of a samples step: evidence as places among the images shown."""
    sample = msgspec.convert(record, Sample)
    return AskedQuestion(
        id=sample.id,
        document=sample.cluster,
        question=str(sample.facts.get("question") or " ".join(message.text for message in sample.prompt)),
        gold=msgspec.structs.replace(sample.gold, evidence=()),
        evidence=sample.gold.evidence,
        first_page=0,
        pages=sum(1 for _ in images_of(sample.prompt)),
        length=f"{sample.task} {sample.length}",
    )


_ASKED = {"question", "answer", "answer_format"}
FORMATS = {
    "longdocurl": QuestionFormat(
        {"question_id", "doc_no", "start_end_idx", "evidence_pages", "answer"}, "longdocurl", _longdocurl
    ),
    "mmlongbench_doc": QuestionFormat(_ASKED | {"doc_id", "evidence_pages"}, "mmlongbench_doc", _mmlongbench_doc),
    "mmlongbench_docqa": QuestionFormat(
        _ASKED | {"doc_name", "page_list"}, "mmlongbench_docqa_rule", _mmlongbench_docqa
    ),
    "own_samples": QuestionFormat({"id", "benchmark", "cluster", "prompt", "gold"}, "", _own_samples),
}

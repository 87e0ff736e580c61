"""MMLongBench-Doc, V1 and V2: `samples.json`, lists as Python writes them, pages from 1."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from mmprolong.errors import DataError
from mmprolong.evaluation.question_files import AskedQuestion
from mmprolong.images.image_files import SCHEME, FileImages
from mmprolong.images.renderer import find_renderer
from mmprolong.records import Gold


@dataclass(frozen=True)
class MMLongBenchDocQuestions:
    """Source: https://github.com/VectifyAI/MMLongBench-Doc-V2/tree/3aba3c6/data."""

    version: ClassVar[int] = 1
    fields: ClassVar[frozenset[str]] = frozenset({"doc_id", "question", "answer", "evidence_pages", "answer_format"})
    scorer: ClassVar[str] = "mmlongbench_doc"

    def question(self, record: Mapping[str, Any], path: Path) -> AskedQuestion:
        """Return the question; its pages are counted where the PDFs lie beside the file, in `documents/`."""
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

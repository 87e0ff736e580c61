"""LongDocURL: JSON lines with typed answers, pages from 1, a window of them shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mmprolong.evaluation.question_files import AskedQuestion
from mmprolong.records import Gold


@dataclass(frozen=True)
class LongDocUrlQuestions:
    """Source: https://huggingface.co/datasets/dengchao/LongDocURL (LongDocURL_public_with_subtask_category.jsonl)."""

    version: ClassVar[int] = 1
    fields: ClassVar[frozenset[str]] = frozenset({"question_id", "doc_no", "start_end_idx", "evidence_pages", "answer"})
    scorer: ClassVar[str] = "longdocurl"

    def question(self, record: Mapping[str, Any], path: Path) -> AskedQuestion:
        """Return the question."""
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

"""MMLongBench's documentQA: JSON lines of one length, pages from 0, with the images that the length shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from mmprolong.evaluation.question_files import AskedQuestion
from mmprolong.records import Gold

_LENGTH = re.compile(r"_K(\d+)")
_PAGE = re.compile(r"(?:_page|-)(\d+)(?P<slide>-\d+)?\.\w+$")


@dataclass(frozen=True)
class MMLongBenchDocQAQuestions:
    """Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (load_doc_qa)."""

    version: ClassVar[int] = 1
    fields: ClassVar[frozenset[str]] = frozenset({"doc_name", "question", "answer", "answer_format", "page_list"})
    scorer: ClassVar[str] = "mmlongbench_docqa_rule"

    def question(self, record: Mapping[str, Any], path: Path) -> AskedQuestion:
        """Return the question; of the images shown only those of its own document count."""
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

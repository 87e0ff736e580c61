"""Readers of judged items: plug-ins, one file a harness, for the files in which it leaves its results."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

from mmprolong.records import Reject

_DOCUMENTS = ("doc_name", "doc_id", "doc_no", "docId", "deck_name", "document", "pdf_path", "videoID", "video")
"""Fields in which benchmarks name the document of a question, the first that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question as a harness has judged it."""

    id: str
    """Of the question, the same in every run of the harness."""
    benchmark: str = ""
    task: str = ""
    length: str = ""
    cluster: str = ""
    """Document; empty: not known."""
    question: str = ""
    target: str = ""
    marks: Mapping[str, Any] = field(default_factory=dict)
    """By metric, as they stand in the file; the first is the harness's own choice."""
    record: Mapping[str, Any] = field(default_factory=dict)
    """Every field of the question."""


@dataclass(frozen=True)
class ResultFile:
    """A file of results, opened once for all readers that look at it."""

    path: Path

    @cached_property
    def document(self) -> Any:
        """Content of a JSON file; None of any other."""
        if self.path.suffix != ".json":
            return None
        try:
            return json.loads(self.path.read_bytes())
        except ValueError:
            return None

    @cached_property
    def first(self) -> dict[str, Any]:
        """First line of a file of JSON lines; empty of any other."""
        if self.path.suffix != ".jsonl":
            return {}
        with self.path.open("rb") as file:
            found = decoded(file.readline())
        return found if isinstance(found, dict) else {}

    def lines(self) -> Iterator[dict[str, Any] | Reject]:
        """Yield the objects of a file of JSON lines; a line that holds none is a reject with its number."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                found = decoded(line)
                if isinstance(found, dict):
                    yield found
                elif line.strip():
                    yield Reject(what=f"{self.path}:{number}", reason="not a JSON object")


class ItemReader(Protocol):
    """Reads the files of one harness."""

    version: ClassVar[int]

    def reads(self, file: ResultFile) -> bool:
        """Tell whether a file is of this harness and holds single items."""
        ...

    def items(self, file: ResultFile) -> Iterator[Item | Reject]:
        """Yield the items of a file in its order."""
        ...


def decoded(line: bytes) -> Any:
    """Return the JSON of a line; None if it is none."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def cluster_of(record: Mapping[str, Any]) -> str:
    """Return the document that a record names; empty if it names none."""
    found = (record[name] for name in _DOCUMENTS if record.get(name) not in (None, ""))
    return str(next(found, ""))


def mark_of(value: Any) -> float | None:
    """Return a mark as a number; None if it is none, or not finite."""
    if isinstance(value, Mapping):
        value = next((value[name] for name in ("score", "correct", "acc", "value") if name in value), None)
    if isinstance(value, str):
        value = {"true": 1.0, "false": 0.0}.get(value.strip().lower(), value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

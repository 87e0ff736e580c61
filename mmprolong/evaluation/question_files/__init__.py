"""Formats in which benchmarks publish their questions: plug-ins, one file each, for checks that need no model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from mmprolong.records import Gold


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """A question as its file has it: nothing is mended or left out."""

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


class QuestionFormat(Protocol):
    """The format of one benchmark."""

    version: ClassVar[int]
    fields: ClassVar[frozenset[str]]
    """Fields by which its records are known."""
    scorer: ClassVar[str]
    """Its own scorer; empty: none is its own."""

    def question(self, record: Mapping[str, Any], path: Path) -> AskedQuestion:
        """Return the question of a record.

        Args:
            path: of the file.

        Raises:
            ValueError, TypeError, SyntaxError: the record is malformed.
        """
        ...

"""Transcribe the whole document.

Source: arXiv 2605.13831, section 4.3 (OCR-full): text elements of all pages, as the layout gives them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import Segment
from mmprolong.synthesis.transcript import RULES, transcript


@dataclass(frozen=True)
class OcrFull:
    """Ask for the text of all pages."""

    version: ClassVar[int] = 2

    def questions(self, parsed: ParsedDocument, segment: Segment, rng: np.random.Generator) -> Iterator[Question]:
        """Yield one question: there is one way to transcribe the whole."""
        pages = [page for page in range(parsed.document.pages) if transcript(parsed, page)]
        if pages:
            yield Question(
                kind="transcription",
                text=f"Transcribe the text of this whole document. {RULES}",
                answer="\n\n".join(transcript(parsed, page) for page in pages),
                evidence=tuple(pages),
            )

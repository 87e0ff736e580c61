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
from mmprolong.synthesis.transcript import RULES, named_pages, transcript

_LEFT_OUT = 0.5
"""Share of the pages that may be left out."""


@dataclass(frozen=True)
class OcrFull:
    """Ask for the text of all pages."""

    version: ClassVar[int] = 3

    def questions(self, parsed: ParsedDocument, segment: Segment, rng: np.random.Generator) -> Iterator[Question]:
        """Yield one question: there is one way to transcribe the whole.

        Pages whose reading order is not known are named as left out; where they are many, the question is refused.
        """
        pages = [page for page in range(parsed.document.pages) if transcript(parsed, page)]
        left_out = sorted(parsed.unordered)
        if len(left_out) <= _LEFT_OUT * parsed.document.pages:
            pages = [page for page in pages if page not in parsed.unordered]
        if pages:
            but = f", but for {named_pages(parsed, left_out)}" if left_out else ""
            yield Question(
                kind="transcription",
                text=f"Transcribe the text of this whole document{but}. {RULES}",
                answer="\n\n".join(transcript(parsed, page) for page in pages),
                evidence=tuple(pages),
            )

"""Transcribe one to three named pages; all others are distractors.

Source: arXiv 2605.13831, section 4.3 (OCR-needle).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import Segment
from mmprolong.synthesis.transcript import RULES, named_pages, transcript

_MOST_PAGES = 3
_SHORTEST = 200
"""A page with less text [characters] is not asked for."""
_TRIES = 20


@dataclass(frozen=True)
class OcrNeedle:
    """Ask for the text of a few named pages."""

    version: ClassVar[int] = 3

    def questions(self, parsed: ParsedDocument, segment: Segment, rng: np.random.Generator) -> Iterator[Question]:
        """Yield questions on pages drawn from anywhere in the document."""
        left_out = parsed.skipped | parsed.unordered
        asked = (page for page in range(parsed.document.pages) if page not in left_out)
        pages = [page for page in asked if len(transcript(parsed, page)) >= _SHORTEST]
        for _ in range(_TRIES if pages else 0):
            size = min(int(rng.integers(1, _MOST_PAGES + 1)), len(pages))
            chosen = sorted(int(page) for page in rng.choice(pages, size, replace=False))
            named = named_pages(parsed, chosen)
            yield Question(
                kind="transcription",
                text=f"Transcribe the text of {named} of this document. {RULES}",
                answer="\n\n".join(transcript(parsed, page) for page in chosen),
                evidence=tuple(chosen),
            )

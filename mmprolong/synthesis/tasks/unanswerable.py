"""Facts that the document does not hold: figures beyond the last, sections and abbreviations that occur nowhere.

They are asked for in the words of the answerable questions, so that only the document tells them apart.
Source: a share of unanswerable questions is in MMLongBench-Doc and in NVIDIA's recipe (DataDesigner 99517ab).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import NOT_ANSWERABLE, Question, interleaved
from mmprolong.synthesis.segments import Segment

_BEYOND = range(2, 6)
"""Numbers of figures after the last; the next one may be a figure whose caption was missed."""
_SECTIONS = (
    "Ethics statement",
    "Limitations",
    "Related work",
    "Data availability",
    "Author contributions",
    "Sensitivity analysis",
    "Cost estimate",
    "Safety instructions",
    "Troubleshooting",
    "System requirements",
    "Frequently asked questions",
    "Revision history",
    "Executive summary",
    "Glossary",
    "Warranty",
    "Survey questionnaire",
)
_ABBREVIATIONS = ("ANOVA", "GDP", "HTTP", "LSTM", "MRI", "NGO", "PCR", "RNA", "ROI", "TCP", "USB", "VAT", "XML")


@dataclass(frozen=True)
class Unanswerable:
    """Ask for a fact whose absence is verified in the text of every page."""

    version: ClassVar[int] = 1

    def questions(self, parsed: ParsedDocument, segment: Segment, rng: np.random.Generator) -> Iterator[Question]:
        """Yield questions that no page answers; the segment plays no part."""
        figures = [
            _missing(
                f"According to its caption, what does {kind} {last + more} show?", "figure", (f"{kind} {last + more}",)
            )
            for kind in ("Figure", "Table")
            if parsed.complete(kind)
            for last in (sum(each.label.startswith(kind) for each in parsed.captions),)
            for more in _BEYOND
        ]
        sections = [
            _missing(f'On which page of the document does the section "{title}" begin?', "section", (title,))
            for title in _SECTIONS
        ]
        spelt = [
            _missing(f'What does the abbreviation "{letters}" stand for?', "abbreviation", (letters,))
            for letters in _ABBREVIATIONS
        ]
        return interleaved([figures, sections, spelt], rng)


def _missing(text: str, kind: str, absent: tuple[str, ...]) -> Question:
    return Question(
        kind=f"no {kind}",
        text=text,
        answer=NOT_ANSWERABLE,
        answer_format="None",
        evidence=(),
        sources=(),
        absent=absent,
        checked="absent",
    )

"""Tasks on the text of documents, one file each; they need no language model."""

from collections.abc import Iterator
from typing import ClassVar, Protocol

import numpy as np

from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import Segment


class TemplateTask(Protocol):
    """Writes questions whose answers are printed."""

    version: ClassVar[int]

    def questions(self, parsed: ParsedDocument, segment: Segment, rng: np.random.Generator) -> Iterator[Question]:
        """Yield questions on a segment of a document, in random order, until the caller stops."""
        ...

"""Tasks that a vision-language model writes: one file a task."""

from typing import ClassVar, Protocol

import numpy as np

from mmprolong.llm.requests import Flow
from mmprolong.records import Reject, Segment
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question


class ModelTask(Protocol):
    """Asks a model for a question, and checks it."""

    version: ClassVar[int]

    def write(
        self, document: ParsedDocument, segment: Segment, rng: np.random.Generator
    ) -> Flow[list[Question | Reject]]:
        """Ask for questions on a segment of a document; return them, or why one must not be used."""
        ...

"""Tasks that a vision-language model writes: one file a task, each with its prompt and its version.

Source: arXiv 2605.13831, section 4.2 and appendix D.3. Written from scratch after the paper's description of its
prompt; the wording, the exemplars and the checks are ours.
"""

from typing import ClassVar, Protocol

import numpy as np

from mmprolong.llm.requests import Flow
from mmprolong.records import Reject
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import Segment


class ModelTask(Protocol):
    """Asks a model for a question, and checks it."""

    version: ClassVar[int]
    """Rises with every change of the prompt, the exemplars or the checks."""
    exemplars: int
    """Examples in the prompt, drawn from the task's pool."""

    def write(
        self, document: ParsedDocument, segment: Segment, rng: np.random.Generator
    ) -> Flow[list[Question | Reject]]:
        """Ask for questions on a segment of a document; return them, or why one must not be used."""
        ...

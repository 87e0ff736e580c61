"""LongBench v2's rule: a letter behind 'The correct answer is', in exactly these words."""

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from mmprolong.evaluation.scorers._letters import by_letter
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample


@dataclass(frozen=True)
class LongBenchV2:
    """A reply without a letter is wrong; officially empty replies leave the denominator, here they stay.

    Source: https://github.com/THUDM/LongBench/blob/2e00731f/pred.py (extract_answer).
    """

    version: ClassVar[int] = 2

    def value(self, sample: Sample, reply: Any) -> str | None:
        """Return the letter, or none."""
        text = reply.replace("*", "")
        found = re.search(r"The correct answer is \(([A-D])\)", text)
        found = found or re.search(r"The correct answer is ([A-D])", text)
        return found[1] if found else None

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark whether the letter is the gold's; a reply without one is officially worth 0.25 if `compensated`."""
        marked = yield from by_letter(lambda: self.value(sample, reply) or "", sample, reply)
        return replace(marked, also={"compensated": marked.value if marked.parsed else 0.25})

"""The first option letter of a reply, as Video-MME and VLMEvalKit read it."""

import re
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, ClassVar, Literal

from mmprolong.evaluation.scorers._letters import by_letter
from mmprolong.evaluation.scorers.mcq_vlmevalkit import chosen
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_PREFIXES = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option isThe correct option is",  # officially two prefixes each, joined by a missing comma
    "Best answer:Best option:",
)
_MORE = ("Answer:", "Option:")


@dataclass(frozen=True)
class OptionLetter:
    """Officially a reply without a letter leaves the denominator; here it is wrong.

    Source: https://github.com/thanku-all/parse_answer/blob/afd52cfe/eval_your_results.py (extract_characters_regex);
    https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/utils/videomme.py and longvideobench.py.
    """

    version: ClassVar[int] = 2
    rule: Literal["videomme", "videomme_vlmevalkit", "longvideobench_vlmevalkit"] = "videomme"

    def value(self, sample: Sample, reply: Any) -> str:
        """Return the letter, or nothing. A stored reply names its rule by its official function."""
        function = str(sample.facts.get("official_function", self.rule))
        vlmevalkit, five = "vlmeval" in function, "longvideobench" in function
        text = reply.strip()
        for prefix in (*_PREFIXES, *(_MORE if vlmevalkit else ())):
            text = text.replace(prefix, "")
        found = re.search("[A-E]" if five else "[A-D]", text)
        return found[0] if found else ""

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark whether the letter is the gold's; VLMEvalKit looks for an option's text where there is no letter."""
        return by_letter(lambda: self.value(sample, reply) or self._by_text(sample, reply), sample, reply)

    def _by_text(self, sample: Sample, reply: str) -> str:
        options = dict(zip(ascii_uppercase, sample.gold.choices, strict=False))
        return str(chosen(reply, options) or "") if "vlmevalkit" in self.rule else ""

"""VLMEvalKit's rule for multiple choice without a judge: a lone letter, 'answer is X', or the text of one option."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, ClassVar

from mmprolong.evaluation.scorers._letters import by_letter
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
_SPACE = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
_ANSWER_IS = re.compile(r"answer\s+is\s+\**([ABCD])", re.IGNORECASE)


@dataclass(frozen=True)
class MultipleChoice:
    """Stored lines have the options as their gold answer; samples have them as choices and the letter as the answer.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/utils/matching_util.py (can_infer).
    """

    version: ClassVar[int] = 2
    answer_is: bool = True
    """Read 'answer is X' where no letter stands alone: the rule since 2026-06-17 (#1552). Papers before it, as
    MMProLong (May 2026), were scored without."""

    def value(self, sample: Sample, reply: Any) -> str | bool:
        """Return the letter that is chosen, Z for a refusal, or False."""
        return chosen(str(reply), sample.gold.answer, self.answer_is)

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark whether the letter is the gold's; without a judge a reply that names none is wrong."""
        options = dict(zip(ascii_uppercase, sample.gold.choices, strict=False))
        return by_letter(lambda: chosen(reply, options, self.answer_is) or "", sample, reply)


def chosen(reply: str, options: Mapping[str, Any], answer_is: bool = True) -> str | bool:
    """Return the letter of the option that a reply chooses, Z for a refusal, or False.

    Args:
        answer_is: read 'answer is X' where no letter stands alone.
    """
    return _by_letter(reply, options, answer_is) or _by_text(reply.lower(), options)


def _by_letter(reply: str, options: Mapping[str, Any], answer_is: bool) -> str | bool:
    if "Failed to obtain answer via API" in reply:
        return False
    if any(refusal in reply for refusal in _REFUSALS):
        return "Z"
    words = reply.translate(_SPACE).split()
    named = [letter for letter in options if letter in words]
    if len(named) == 1 and words.index(named[0]) > len(words) - 5:
        return named[0]
    if not named and "Z" in words:
        return "Z"
    found = _ANSWER_IS.search(reply) if answer_is else None
    return found[1].upper() if found and found[1].upper() in options else False


def _by_text(reply: str, options: Mapping[str, Any]) -> str | bool:
    """Return the letter of the only option whose text stands in a reply of at most twice the length of all texts."""
    if len(reply) > 2 * sum(len(str(text)) for text in options.values()):
        return False
    found = [letter for letter, text in options.items() if str(text).lower() in reply]
    return found[0] if len(found) == 1 else False

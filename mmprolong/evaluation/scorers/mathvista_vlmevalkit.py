"""MathVista's rule on extracted answers: whole numbers and fractions by value, options by letter or text."""

import ast
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import by_rule
from mmprolong.evaluation.scorers.mcq_vlmevalkit import chosen
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample


@dataclass(frozen=True)
class MathVista:
    """The gold answer holds `answer`, `choices` and `answer_option`; its format reads 'question_type/answer_type'.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/utils/mathvista.py (post_check).
    """

    version: ClassVar[int] = 1
    answer_is: bool = True
    """As in `mcq_vlmevalkit`."""

    def value(self, sample: Sample, reply: Any) -> Any:
        """Return whether the answer is right; for a stored prefetch the answer itself, or False."""
        gold, (question, _, kind) = sample.gold.answer, sample.gold.format.partition("/")
        prefetch = "prefetch=True" in str(sample.facts.get("official_function", ""))
        if question == "multi_choice":
            options = dict(zip(ascii_uppercase, _literal(gold["choices"]), strict=False))
            found, wanted = chosen(str(reply), options, self.answer_is), gold["answer_option"]
            if prefetch:
                return found
        else:
            found, wanted = _numbers(reply, gold["answer"], kind)
        if found != wanted:
            return False
        return found if prefetch else 1.0

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule."""
        return by_rule(lambda question, text: float(self.value(question, text)), sample, reply)


def _numbers(reply: Any, gold: Any, kind: str) -> tuple[Any, Any]:
    """Return answer and gold answer as numbers. Lists and text are compared with 'None', as officially."""
    if kind not in ("integer", "float"):
        return "None", str(gold)
    read = int if kind == "integer" else float
    found = None
    try:
        found = read(reply)
        return found, read(gold)
    except ValueError:
        return found, gold


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except ValueError as error:
        raise SyntaxError(f"{text!r} is no list") from error

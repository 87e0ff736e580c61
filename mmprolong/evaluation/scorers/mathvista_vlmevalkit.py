"""MathVista's rule on extracted answers: whole numbers and fractions by value, options by letter or text."""

import ast
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import UNPARSED, ask_judge, by_rule, fact
from mmprolong.evaluation.scorers.mcq_vlmevalkit import chosen
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_EXTRACTION = """Extract the answer from a response to a question. Write it alone, as the question's hint asks for it: \
a whole number ("The number missing in the sequence is 14." -> 14), a number with decimals ("Luca needs $1.45 for \
both." -> 1.45), a list as in Python ("The peak was between 2007 and 2008." -> [2007, 2008]), or the letter of an \
option ("The correct answer is (B) 8/11." -> B).

Question: {question}
Response: {response}
Extracted answer:"""


@dataclass(frozen=True)
class MathVista:
    """The gold answer holds `answer`, `choices` and `answer_option`; its format reads 'question_type/answer_type'.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/utils/mathvista.py (post_check,
    MathVista_auxeval); the prompt is ours.
    """

    version: ClassVar[int] = 1
    extraction: bool = False
    """A language model extracts the answer where the rule finds no option, or no right number, in the reply as it is;
    the rule's mark of the reply alone is kept beside as `rule`."""
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
        """Mark by the rule, on an extracted answer where one is needed and a judge is asked."""
        ruled = yield from by_rule(self._is_right, sample, reply)
        if not self.extraction or self._needs_none(sample, reply, ruled):
            return replace(ruled, also={"rule": ruled.value}) if self.extraction else ruled
        prompt = _EXTRACTION.format(question=fact(sample, "question"), response=reply.strip())
        said, answer = yield from ask_judge(prompt, lambda text: text.strip() or None)
        made = yield from by_rule(self._is_right, sample, answer or "")
        if answer is None:
            made = replace(made, unparsed=True, reason=UNPARSED)
        return replace(made, also={"rule": ruled.value}, judge=said.model)

    def _is_right(self, sample: Sample, reply: str) -> float:
        return float(self.value(sample, reply))

    def _needs_none(self, sample: Sample, reply: str, ruled: Mark) -> bool:
        """Tell whether officially nothing is extracted: an option is named, or the number is right and not 0."""
        if sample.gold.format.startswith("multi_choice"):
            options = dict(zip(ascii_uppercase, _literal(sample.gold.answer["choices"]), strict=False))
            return bool(chosen(reply, options, self.answer_is))
        return ruled.value == 1 and float(reply) != 0


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

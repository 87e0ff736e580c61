"""MMLongBench-Doc V2's score: a language model says whether a response means what the reference answer says."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from mmprolong.evaluation.scorers import fact, mark
from mmprolong.evaluation.scorers._verdicts import judged
from mmprolong.evaluation.scorers.mmlongbench_doc import MMLongBenchDocRule
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_LONGEST = 12_000
"""Letters of a response that the judge is shown."""
_PROMPT = """You compare the response of a system with the reference answer to a question about a document. You do \
not see the document; take the reference as right.

First find the answer that the response commits to, and leave out what it sets apart itself: as conditional, \
borderline, or outside of the question. Then decide two things.

equivalent: that answer has the substance of the reference. Wording, case, order, units, separators of thousands, \
percent signs, rounding to the same value, added qualifiers and explanations do not matter. A right answer given as \
one of two reasoned readings counts. It is not equivalent if a value, name, date or count differs, if a list lacks \
or adds a member, if the right value only occurs among many others, or if the response gives no answer. If the \
reference is "Not answerable", it is equivalent only if a reader would learn that the document does not answer the \
question; naming what the document says instead is allowed, an answer after such words is not.

abstained: the response commits to no answer at all, whatever the reference is.

<question>{question}</question>
<reference>{gold}</reference>
<format>{kind}</format>
<response>
{response}
</response>
"""


class _Verdict(msgspec.Struct):
    reason: str
    """In one sentence; written first."""
    equivalent: bool
    abstained: bool


@dataclass(frozen=True)
class DocV2Judge:
    """The whole response is judged; whether it abstains stands beside the mark, as well as the first edition's rule.

    Source: https://github.com/VectifyAI/MMLongBench-Doc-V2/blob/3aba3c68/eval/judge.py; the prompt is ours. Officially
    a judge that fails is a wrong answer; here it is an error.
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the score that a stored verdict (`judge_reply`) stands for."""
        return float(json.loads(fact(sample, "judge_reply"))["equivalent"])

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Ask the judge once, and again where its answer is no verdict."""
        gold = sample.gold
        question = " ".join(fact(sample, "question").split())
        prompt = _PROMPT.format(question=question, gold=gold.answer, kind=gold.format, response=reply[:_LONGEST])
        verdict, model = yield from judged(prompt, _Verdict)
        rule = mark(lambda: MMLongBenchDocRule().value(sample, reply.strip()), "")
        beside = {"rule": rule.value, "abstained": float(verdict.abstained)}
        return Mark(
            value=float(verdict.equivalent), parsed=reply.strip(), also=beside, judge=model, reason=verdict.reason
        )

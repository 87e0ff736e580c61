"""HELMET's marks by a language model: NarrativeQA's answers and summaries; all else by its rules."""

import json
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import msgspec

from mmprolong.evaluation.scorers import fact
from mmprolong.evaluation.scorers._verdicts import judged
from mmprolong.evaluation.scorers.helmet import Helmet
from mmprolong.evaluation.scorers.mmlongbench_summ_llm_judge import SummaryJudge
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_BEST = 3
_SUMMARY = "rougeLsum_f1"
_ANSWER = """You grade an answer to a question about a text that you do not see, by reference answers, each of which \
is right in full.

fluency: 0, the answer is incoherent, repeats itself (also in other words), is not finished, or is gibberish; \
1, it is coherent and grammatical.
correctness: 0, it agrees with no reference; 1, it agrees with a part of one (the date is right and the person wrong); \
2, it agrees with one in full, and says other things that have nothing to do with the question; 3, it agrees with one \
in full, and all that it says is on the question, however long it is.

Question: {question}
Reference answers: {gold}
Answer: {answer}
"""


class _Verdict(msgspec.Struct):
    reasoning: str
    fluency: Annotated[int, msgspec.Meta(ge=0, le=1)]
    correctness: Annotated[int, msgspec.Meta(ge=0, le=_BEST)]


@dataclass(frozen=True)
class HelmetJudge:
    """An answer's fluency times its correctness, as a share of 3; a summary's fluency times the F1 of its points.

    The rule's mark stands beside as `rule`. A summary without an expert's points keeps the rule's mark alone. The
    official judge is gpt-4o-2024-05-13 at temperature 0.1.

    Source: https://github.com/princeton-nlp/HELMET/blob/4526dfbd/scripts/eval_gpt4_longqa.py, eval_gpt4_summ.py; the
    prompts are ours.
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the score that a stored verdict (`judge_reply`) stands for, or the rule's where none is asked."""
        if "judge_reply" not in sample.facts:
            return Helmet().value(sample, reply)
        if sample.gold.format.endswith(_SUMMARY):
            return SummaryJudge().value(sample, reply)
        said = json.loads(fact(sample, "judge_reply"))
        return said["fluency"] * said["correctness"] / _BEST

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Ask the judge about an answer of NarrativeQA, and three times about a summary."""
        ruled = yield from Helmet().score(sample, reply)
        if sample.gold.format.endswith(_SUMMARY) and "claims" in sample.facts:
            expert = msgspec.structs.replace(sample.gold, answer=fact(sample, "expert"))
            made = yield from SummaryJudge().score(msgspec.structs.replace(sample, gold=expert), reply)
            return replace(made, also={**made.also, "rule": ruled.value})
        if sample.task != "narrativeqa":
            return ruled
        gold = "; ".join(sample.gold.answer)
        prompt = _ANSWER.format(question=fact(sample, "question"), gold=gold, answer=ruled.parsed)
        said, model = yield from judged(prompt, _Verdict)
        value = said.fluency * said.correctness / _BEST
        beside = {"rule": ruled.value, "fluency": float(said.fluency), "correctness": said.correctness / _BEST}
        return Mark(value=value, parsed=ruled.parsed, also=beside, judge=model, reason=said.reasoning)

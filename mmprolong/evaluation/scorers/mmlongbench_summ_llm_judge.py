"""MMLongBench's score of summaries: fluency times the F1 of an expert's points found and of sentences supported."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import msgspec

from mmprolong.evaluation.scorers import fact, mark
from mmprolong.evaluation.scorers._verdicts import judged
from mmprolong.evaluation.scorers._words import after_prefix
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

Count = Annotated[int, msgspec.Meta(ge=0)]
_FLUENCY = """You judge how fluent a text is. 0: it is incoherent, repeats itself (also in other words), is \
gibberish, or is hardly begun. 1: it is coherent, without repetition, and grammatical; a last sentence that is cut \
off does not matter.

<text>
{summary}
</text>
"""
_RECALL = """You judge a summary by the points of an expert. A point is present if most of what it states is \
supported by the summary; of a point with several facts most must be. Count the points that are present.

<points>
{points}
</points>
<summary>
{summary}
</summary>
"""
_PRECISION = """You judge a summary by that of an expert. Count its sentences, and those of them that are supported: \
most of what the sentence states is in the expert's summary; small details may be missing there. A sentence that is \
cut off counts like any other.

<expert>
{expert}
</expert>
<summary>
{summary}
</summary>
"""


class _Fluent(msgspec.Struct):
    reasoning: str
    fluency: Annotated[int, msgspec.Meta(ge=0, le=1)]


class _Found(msgspec.Struct):
    reasoning: str
    recall: Count
    """Points that are present."""


class _Supported(msgspec.Struct):
    reasoning: str
    precision: Count
    """Sentences that are supported."""
    sentence_count: Count


@dataclass(frozen=True)
class SummaryJudge:
    """Three questions to the judge a summary; the parts of the score stand beside it.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/scripts/eval_gpt4_summ.py; the prompts are ours.
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the score that stored verdicts stand for: `judge_reply` has fluency, recall, precision and
        sentence_count.
        """
        said = json.loads(fact(sample, "judge_reply"))
        found = _parts(said["fluency"], said["recall"], said["precision"], said["sentence_count"], _points(sample))
        return found["f1"] * found["fluency"]

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Ask for fluency, recall and precision."""
        summary, points = after_prefix(reply, "Summary:"), _points(sample)
        listed = "\n".join(f"{number}. {point}" for number, point in enumerate(points, 1))
        expert = sample.gold.answer
        fluent, _ = yield from judged(_FLUENCY.format(summary=summary), _Fluent)
        found, _ = yield from judged(_RECALL.format(points=listed, summary=summary), _Found)
        right, model = yield from judged(_PRECISION.format(expert=expert, summary=summary), _Supported)
        parts = _parts(fluent.fluency, found.recall, right.precision, right.sentence_count, points)
        made = mark(lambda: parts["f1"] * parts["fluency"], summary)
        return replace(made, also=parts, judge=model, reason=right.reasoning)


def _points(sample: Sample) -> list[str]:
    return json.loads(fact(sample, "claims"))


def _parts(fluency: int, present: int, supported: int, sentences: int, points: Sequence[str]) -> dict[str, float]:
    """Return fluency, recall, precision and F1; without points or sentences the share is 0."""
    recall = present / len(points) if points else 0.0
    precision = supported / sentences if sentences > 0 else 0.0
    f1 = 2 * recall * precision / (recall + precision) if recall + precision > 0 else 0.0
    return {"fluency": float(fluency), "recall": recall, "precision": precision, "f1": f1}

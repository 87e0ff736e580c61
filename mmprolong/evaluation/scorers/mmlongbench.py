"""MMLongBench's rules for all its tasks: documentQA by its own, everything else by the metric that the gold names."""

from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import Scorer
from mmprolong.evaluation.scorers.mmlongbench_docqa_llm_judge import DocQAJudge
from mmprolong.evaluation.scorers.mmlongbench_docqa_rule import DocQARule
from mmprolong.evaluation.scorers.mmlongbench_tasks import MMLongBenchTasks
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_DOCUMENTS = ("String", "Integer", "Float", "List", "None")
"""Formats of documentQA's answers."""


@dataclass(frozen=True)
class MMLongBenchAll:
    """The rules of one benchmark that has all tasks; summaries are marked by ROUGE.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py.
    """

    version: ClassVar[int] = 1
    judged: bool = False
    """documentQA by a judge, as in version 1.1."""

    def value(self, sample: Sample, reply: Any) -> Any:
        """Return what the task's own scorer does."""
        return self._of(sample).value(sample, reply)

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule of the task."""
        return self._of(sample).score(sample, reply)

    def _of(self, sample: Sample) -> Scorer:
        if sample.gold.format not in _DOCUMENTS:
            return MMLongBenchTasks()
        return DocQAJudge() if self.judged else DocQARule()

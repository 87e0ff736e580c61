"""HELMET's answers with citations (ALCE): ASQA and QAMPARI from many passages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.evaluation.benchmarks import Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._helmet import (
    DATA,
    LENGTHS,
    SHOTS,
    Length,
    Sampling,
    sample,
    seed_of,
    shuffled,
)
from mmprolong.evaluation.benchmarks._records import LocatedRecord, ask, json_file, json_items, read_rows
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

Task = Literal["asqa", "qampari"]
_PASSAGES = (8, 30, 75, 165, 345, 700)
"""Shown at each length."""
_COUNT = 100
_METRICS = {"asqa": "alce:str_em", "qampari": "alce:qampari_rec_top5"}


class _Pair(msgspec.Struct):
    short_answers: list[str]


class _Record(msgspec.Struct):
    """One question with its passages, best first."""

    question: str
    docs: list[dict[str, Any]]
    qa_pairs: list[_Pair] | None = None
    """Of ASQA: what an answer has to say."""
    answers: list[list[str]] | None = None
    """Of QAMPARI: answers, each in several spellings."""


class _Prompts(msgspec.Struct):
    """One of HELMET's files of prompts."""

    instruction: str
    demo_prompt: str
    doc_prompt: str
    demos: list[dict[str, Any]]


@dataclass(frozen=True)
class HelmetCite:
    """Questions whose answers cite passages by number.

    Marked is what an answer says, by its words. Whether a citation supports its sentence (`citation_rec`,
    `citation_prec`, officially two of three marks) takes a model of entailment of 11B parameters, and is not marked.
    Demonstrations that the official code draws without a seed are drawn by a hash of the question.

    Source: https://github.com/princeton-nlp/HELMET/blob/4526dfbd/data.py (load_alce), scripts/generate_configs.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "helmet"
    tasks: tuple[Task, ...] = ("asqa", "qampari")
    lengths: tuple[Length, ...] = ("8K", "16K", "32K", "64K", "128K")
    sampling: Sampling = "all"
    """`official`: 100 questions of each set."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, task by task and length by length.

        Raises:
            ConfigError: a file is not in the data root.
            DataError: it is not JSON of the official form.
        """
        for task in self.tasks:
            path = DATA.file(inputs, f"{DATA.title}/data/alce/{task}_eval_gtr_top2000.json")
            prompts = DATA.file(inputs, f"{DATA.title}/prompts/{task}_revised.json")
            form = msgspec.convert(json_file(prompts, dict), _Prompts)
            rows = list(read_rows(json_items(path, json_file(path, list)), _Record))
            chosen = shuffled(rows)[:_COUNT] if self.sampling == "official" else rows
            for length in self.lengths:
                yield from ask(chosen, partial(_sample, name, task, length, form))

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the mean over lengths of the means over tasks, and the one over questions."""
        return macro_and_micro(scores)


def _sample(name: str, task: Task, length: str, form: _Prompts, row: LocatedRecord[_Record]) -> Sample:
    record = row.record
    golds = record.answers if task == "qampari" else [pair.short_answers for pair in record.qa_pairs or ()]
    passages = _passages(form, record.docs[: _PASSAGES[LENGTHS.index(length)]])
    demos = "".join(f"{_demo(form, each)}\n\n\n" for each in shuffled(form.demos, seed_of(record.question))[:SHOTS])
    asked = f"{demos}{form.instruction}\n\nQuestion: {record.question}\n\n{passages}"
    facts: dict[str, str | float] = {"question": record.question}
    return sample(name, task, length, row, asked, "Answer:", Gold(golds, _METRICS[task]), str(row.number), facts)


def _passages(form: _Prompts, passages: Sequence[Mapping[str, Any]]) -> str:
    return "\n\n".join(form.doc_prompt.format(**each, ID=number) for number, each in enumerate(passages, 1))


def _demo(form: _Prompts, demo: Mapping[str, Any]) -> str:
    return form.demo_prompt.format(**demo, instruction=form.instruction, context=_passages(form, demo["docs"]))

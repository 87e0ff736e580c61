"""LongBench v2: multiple choice on texts of 8K to 2M words."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from string import ascii_uppercase
from typing import ClassVar, Literal

import msgspec

from mmprolong.conversations import Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._records import LocatedRecord, ask, json_file, json_items, read_rows
from mmprolong.evaluation.scorers._letters import EMPTY
from mmprolong.models.tokenizer import tokenizer_at
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("LongBench-v2", "MIT", "https://huggingface.co/datasets/THUDM/LongBench-v2")
_LENGTHS = {"short": "32K", "medium": "128K", "long": "2M"}
"""Longest texts of each kind [words]."""


class _Record(msgspec.Struct):
    """One question of data.json."""

    _id: str
    domain: str
    sub_domain: str
    difficulty: str
    length: Literal["short", "medium", "long"]
    question: str
    choice_A: str
    choice_B: str
    choice_C: str
    choice_D: str
    answer: str
    """The letter."""
    context: str


@dataclass(frozen=True)
class LongBenchV2:
    """All questions, the text before each.

    Source: https://github.com/THUDM/LongBench/blob/2e00731f/pred.py, prompts/0shot.txt.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "longbench_v2"
    most_tokens: int = 0
    """Longest prompt; of a longer one the middle is left out, officially at 120,000. 0: every prompt is whole."""
    tokenizer: str = ""
    """The model's tokenizer.json, by which tokens are counted."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: data.json is not in the data root, or there is no such tokenizer.
            DataError: it is no list.
        """
        path = DATA.file(inputs, f"{DATA.title}/data.json")
        rows = read_rows(json_items(path, json_file(path, list)), _Record)
        yield from ask(rows, partial(self._sample, name), lambda record: record._id)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells, by questions (`micro`, the official one but for empty replies) and by difficulty.

        `official` leaves empty replies out, `compensated` counts a reply without a letter 0.25.

        Source: https://github.com/THUDM/LongBench/blob/2e00731f/result.py.
        """
        there = [score for score in scores if score.reason != EMPTY]
        found = macro_and_micro(scores)
        found["official"] = fmean([score.value for score in there] or [0.0])
        found["compensated"] = fmean([score.also.get("compensated", score.value) for score in there] or [0.0])
        kinds: dict[str, list[float]] = defaultdict(list)
        for score in scores:
            kinds[str(score.facts["difficulty"])].append(score.value)
        return {**found, **{kind: fmean(values) for kind, values in kinds.items()}}

    def _sample(self, name: str, row: LocatedRecord[_Record]) -> Sample:
        record = row.record
        choices = tuple(each.strip() for each in (record.choice_A, record.choice_B, record.choice_C, record.choice_D))
        if record.answer not in ascii_uppercase[:4]:
            raise ValueError(f"answer {record.answer!r} is no letter from A to D")
        listed = "\n".join(f"({letter}) {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False))
        prompt = (
            "Please read the following text and answer the question below.\n\n"
            f"<text>\n{record.context.strip()}\n</text>\n\n"
            f"What is the correct answer to this question: {record.question.strip()}\nChoices:\n{listed}\n\n"
            'Format your response as follows: "The correct answer is (insert answer here)".'
        )
        return Sample(
            id=record._id,
            benchmark=name,
            task=record.domain,
            length=_LENGTHS[record.length],
            cluster=record._id,
            prompt=(Message("user", (Text(self._cut(prompt)),)),),
            gold=Gold(record.answer, "Choice", choices=choices),
            facts={"question": record.question, "difficulty": record.difficulty, "kind": record.sub_domain},
        )

    def _cut(self, prompt: str) -> str:
        if not self.most_tokens:
            return prompt
        tokenizer = tokenizer_at(Path(self.tokenizer).expanduser())
        ids = tokenizer.encode(prompt)
        half = self.most_tokens // 2
        return prompt if len(ids) <= self.most_tokens else tokenizer.decode([*ids[:half], *ids[-half:]])

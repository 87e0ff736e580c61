"""HELMET's long answers and summaries: novels, screenplays and lawsuits, cut to a length."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import msgspec

from mmprolong.errors import ConfigError
from mmprolong.evaluation.benchmarks import Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._helmet import (
    DATA,
    SHOTS,
    Length,
    Sampling,
    hub_file,
    sample,
    seed_of,
    shuffled,
)
from mmprolong.evaluation.benchmarks._records import LocatedRecord, ask, json_lines, read_rows
from mmprolong.evaluation.lengths import size
from mmprolong.models.tokenizer import TextTokenizer, tokenizer_at
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

Task = Literal["narrativeqa", "infbench_qa", "infbench_choice", "infbench_sum", "multi_lexsum"]
_OMITTED = " ... [the rest of the text is omitted]"
_COUNT = 100


class _Kind(NamedTuple):
    """How a task is asked."""

    file: str
    asked: str
    begun: str
    metric: str
    left: int
    """Tokens of the length that are left for instructions and answer."""
    least: int = 65536
    """Tokens of the shortest whole text that is asked about."""


_STORY = (
    "Answer the question as concisely as you can, using a single phrase if possible.\n\n"
    "{demo}{text}\n\nQuestion: {question}"
)
_KINDS: dict[Task, _Kind] = {
    "narrativeqa": _Kind(
        "narrativeqa_test",
        f"You are given a story, which can be either a novel or a movie script, and a question. {_STORY}",
        "Answer:",
        "default:f1",
        300,
        131073,
    ),
    "infbench_qa": _Kind(
        "longbook_qa_eng",
        f"You are given a story and a question. {_STORY}",
        "Answer:",
        "default:rougeL_f1",
        210,
    ),
    "infbench_choice": _Kind(
        "longbook_choice_eng",
        "You are given a story and a question with multiple choices. Choose the best answer from the options "
        "provided. Only one of the following options is correct, output the answer using one single letter (A, B, C, "
        "or D). Don't say anything else.\n\n{demo}{text}\n\nQuestion: {question}\nOptions:\n{options}",
        "Answer:",
        "choice:exact_match",
        210,
    ),
    "infbench_sum": _Kind(
        "longbook_sum_eng",
        "You are given a book and you are tasked to summarize it. Write a summary of about 1000 to 1200 words. Only "
        "write about the plot and characters of the story. Do not discuss the themes or background of the book. Do "
        "not provide any analysis or commentary.\n\n{demo}{text}\n\nNow summarize the book.",
        "Summary:",
        "default:rougeLsum_f1",
        1400,
    ),
    "multi_lexsum": _Kind(
        "multi_lexsum_validation",
        "You are given the legal documents in a civil rights lawsuit, and you are tasked to summarize the case. Write "
        "a concise summary of one paragraph (200 to 250 words). The summary should contain a short description of the "
        "background, the parties involved, and the outcomes of the case.\n\n{demo}Legal documents:\n{text}\n\nNow "
        "please summarize the case.",
        "Summary:",
        "lexsum:rougeLsum_f1",
        700,
    ),
}
_POINTS = {
    "infbench_sum": ("infbench/longbook_sum_eng_keypoints.jsonl", "keypoints"),
    "multi_lexsum": ("multi_lexsum/multi_lexsum_val.jsonl", "summary/short_keypoints"),
}
"""Files of HELMET's own with an expert's points, and their field."""


class _Text(msgspec.Struct):
    text: str


class _Record(msgspec.Struct, rename={"short": "summary/short", "long": "summary/long"}):
    """One question; which fields are there depends on the task."""

    id: int | str = ""
    context: str = ""
    input: str = ""
    answer: list[str] = []
    options: list[str] = []
    document: _Text | None = None
    question: _Text | None = None
    answers: list[_Text] = []
    sources: list[str] = []
    short: str | None = None
    long: str | None = None

    @property
    def whole(self) -> str:
        """Text that the question is on."""
        return self.document.text if self.document else "\n\n".join(self.sources) or self.context

    @property
    def asked(self) -> str:
        """Question; empty for a summary."""
        return self.question.text if self.question else self.input

    @property
    def golds(self) -> list[str]:
        """Answers, each of which is right; of an option its letter, and its letter with its text.

        Raises:
            ValueError: it is none of the options.
        """
        if self.options:
            letter = "ABCD"[self.options.index(self.answer[0])]
            return [letter, f"{letter}. {self.answer[0]}"]
        return [self.short] if self.short else self.answer or [each.text for each in self.answers]

    @property
    def listed(self) -> str:
        """Options, a line each."""
        return "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", self.options, strict=False))


Row = LocatedRecord[_Record]


@dataclass(frozen=True)
class HelmetLong:
    """NarrativeQA, three tasks of InfiniteBench, and Multi-LexSum; the end of a text that is too long is left out.

    The scorer `helmet` marks NarrativeQA by words and summaries by ROUGE; `helmet_llm_judge` gives the official marks.
    Demonstrations that the official code draws without a seed are drawn by a hash of the question.

    Source: https://github.com/princeton-nlp/HELMET/blob/4526dfbd/data.py (load_narrativeqa, load_infbench,
    load_multi_lexsum, truncate_llama2), scripts/generate_configs.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "helmet"
    tokenizer: str = ""
    """Llama 2's tokenizer.json, by which HELMET's lengths are counted."""
    tasks: tuple[Task, ...] = ("narrativeqa", "infbench_qa", "infbench_choice", "infbench_sum", "multi_lexsum")
    lengths: tuple[Length, ...] = ("8K", "16K", "32K", "64K", "128K")
    sampling: Sampling = "all"
    """`official`: 100 questions of each set."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, task by task and length by length; broken lines once a task.

        Raises:
            ConfigError: a file is not in the data root, or there is no such tokenizer.
        """
        if not self.tokenizer:
            raise ConfigError("helmet_long.tokenizer: empty; name Llama 2's tokenizer.json, by which HELMET counts")
        tokenizer = tokenizer_at(Path(self.tokenizer).expanduser())
        for task in self.tasks:
            rows = list(read_rows(json_lines(hub_file(inputs, _KINDS[task].file)), _Record))
            yield from (row for row in rows if isinstance(row, Reject))
            every = [row for row in rows if isinstance(row, LocatedRecord)]
            rooms = tuple(int(size(length)) - _KINDS[task].left for length in self.lengths)
            fit = cache(partial(fitting, rooms=rooms, tokenizer=tokenizer))
            order = shuffled(every) if self.sampling == "official" else every
            chosen = [row for row in order if fit(row.record.whole).tokens >= _KINDS[task].least]
            chosen = chosen[:_COUNT] if self.sampling == "official" else chosen
            demos, points = _demonstrations(task, every, inputs), _points(task, inputs)
            for place, length in enumerate(self.lengths):
                ends = {row.number: fit(row.record.whole).ends[place] for row in chosen}
                yield from ask(chosen, partial(_sample, name, task, length, ends, demos, points))

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the mean over lengths of the means over tasks, and the one over questions."""
        return macro_and_micro(scores)


class Fitting(NamedTuple):
    """How much of a text fits."""

    tokens: int
    """Of the whole text, with the one that begins a sequence."""
    ends: tuple[int, ...]
    """Letters that are kept, for each room; all of them where the text fits."""


def fitting(text: str, rooms: Sequence[int], tokenizer: TextTokenizer) -> Fitting:
    """Return how much of a text fits into each room [tokens], with the note that the rest is left out."""
    ends, note = tokenizer.ends(text), len(tokenizer.encode(_OMITTED)) + 1
    tokens = len(ends) + 1
    return Fitting(tokens, tuple(len(text) if tokens <= room else ends[room - note - 1] for room in rooms))


def _demonstrations(task: Task, every: Sequence[Row], inputs: Inputs) -> Sequence[Row]:
    """Return the rows from which demonstrations are drawn: of InfiniteBench other questions, else training examples."""
    if task.startswith("infbench"):
        return every
    rows = read_rows(json_lines(hub_file(inputs, f"{task}_train")), _Record)
    return [row for row in rows if isinstance(row, LocatedRecord) and row.record.golds]


def _points(task: Task, inputs: Inputs) -> dict[str, list[str]]:
    """Return an expert's points by question, where the file with them is there."""
    if task not in _POINTS:
        return {}
    file, field = _POINTS[task]
    path = DATA.file(inputs, DATA.title) / "data" / file
    rows = read_rows(json_lines(path), dict[str, Any]) if path.exists() else ()
    return {str(row.record["id"]): row.record[field] for row in rows if isinstance(row, LocatedRecord)}


def _sample(
    name: str,
    task: Task,
    length: str,
    ends: Mapping[int, int],
    demos: Sequence[Row],
    points: Mapping[str, list[str]],
    row: Row,
) -> Sample:
    record, kind = row.record, _KINDS[task]
    whole, end = record.whole, ends[row.number]
    facts: dict[str, str | float] = {"question": record.asked}
    if str(record.id) in points:
        facts["claims"] = msgspec.json.encode(points[str(record.id)]).decode()
        facts["expert"] = record.long or record.golds[0]
    text = whole[:end] + (_OMITTED if end < len(whole) else "")
    demo = _demo(task, record, demos)
    shown = kind.asked.format(demo=demo, text=text, question=record.asked, options=record.listed)
    return sample(
        name, task, length, row, shown, kind.begun, Gold(record.golds, kind.metric), f"{seed_of(whole):x}", facts
    )


def _demo(task: Task, record: _Record, demos: Sequence[Row]) -> str:
    """Return two other questions with their answers, in the words of the task."""
    if task.startswith("infbench"):
        drawn = [row.record for row in shuffled([row for row in demos if row.record.id != record.id])[:SHOTS]]
    else:
        drawn = [row.record for row in shuffled(demos, seed_of(record.asked or record.whole))[:SHOTS]]
    if task == "multi_lexsum":
        texts = "\n\n".join(f"Summary: {each.short}" for each in drawn)
        return f"Example summaries:\n\n{texts}\n\nNow, write a summary of the following legal documents.\n"
    if task == "narrativeqa":
        texts = "\n\n".join(f"Question: {each.asked}\nAnswer: {each.golds[0]}" for each in drawn)
        return f"For example:\n\n{texts}\n\nNow, use the following story to answer the question:\n\n"
    if task == "infbench_sum":
        texts = "\n\n".join(f"[story text]\nSummary: {each.golds[0].strip()}" for each in drawn)
    else:
        options = [f"\nOptions:\n{each.listed}" if each.options else "" for each in drawn]
        texts = "\n\n".join(
            f"[story text]\nQuestion: {each.asked}{listed}\nAnswer: {each.golds[0]}"
            for each, listed in zip(drawn, options, strict=True)
        )
    return f"For example:\n\n{texts}\n\nNow, read the following story:\n\n"

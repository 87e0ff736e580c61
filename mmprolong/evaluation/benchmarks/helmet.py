"""HELMET's tasks whose texts its data folder holds: recall of keys, answers from passages, ranking of passages."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.evaluation.benchmarks import Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._helmet import (
    DATA,
    LENGTHS,
    SEED,
    SHOTS,
    Length,
    Sampling,
    sample,
    seed_of,
    shuffled,
)
from mmprolong.evaluation.benchmarks._records import LocatedRecord, ask, json_lines, read_rows
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

Recall = Literal["niah_multikey_2", "niah_multikey_3", "niah_multivalue", "json_kv"]
Reading = Literal["nq", "triviaqa", "hotpotqa", "popqa", "msmarco"]
_PASSAGES = (20, 50, 105, 220, 440, 1000)
_FILES: dict[str, tuple[str, Sequence[int]]] = {
    **{
        f"niah_{task}": (f"ruler/niah_{task}/validation_{{}}.jsonl", [int(each[:-1]) * 1024 for each in LENGTHS])
        for task in ("multikey_2", "multikey_3", "multivalue")
    },
    "json_kv": ("json_kv/test_k{}_dep6.jsonl", (50, 105, 220, 440, 900, 1800)),
    "nq": ("kilt/nq-dev-multikilt_1000_k{}_dep6.jsonl", _PASSAGES),
    "triviaqa": ("kilt/triviaqa-dev-multikilt_1000_k{}_dep6.jsonl", _PASSAGES),
    "hotpotqa": ("kilt/hotpotqa-dev-multikilt_1000_k{}_dep3.jsonl", _PASSAGES),
    "popqa": ("kilt/popqa_test_1000_k{}_dep6.jsonl", _PASSAGES),
    "msmarco": ("msmarco/test_reranking_data_k{}_dep3.jsonl", (14, 50, 130, 285, 600, 1000)),
}
"""Files of each task, and what stands in their names for each length."""
_DEMOS = {
    "nq": "kilt/nq-train-multikilt_1000_k3_dep6.jsonl",
    "triviaqa": "kilt/triviaqa-train-multikilt_1000_k3_dep6.jsonl",
    "hotpotqa": "kilt/hotpotqa-train-multikilt_1000_k3_dep3.jsonl",
    "popqa": "kilt/popqa_test_1000_k3_dep6.jsonl",
    "msmarco": "msmarco/test_reranking_data_k10_dep3.jsonl",
}
_COUNT = 100
_POPULAR = 3
"""PopQA's questions are on subjects of fewer than 10 to the power of so many views a month."""
_QA = (
    "Use the given documents to write a concise and short answer to the question. Write your answer in the following "
    "format:\nAnswer: [answer]\n\n"
)
_RANK = (
    "You are provided with a list of documents, each indicated by their ID. Rank each document based on their "
    "relevance to the question in descending order from most relelvant to least relevant texts. Include all documents "
    "in the rankings. Write your answer using the unique IDs, with the following format:\nRanking: ID3 > ID1 > ID2\n\n"
)


class _Record(msgspec.Struct):
    """One line; which fields are there depends on the task."""

    id: Any = None
    qid: Any = None
    question: str = ""
    query: str = ""
    context: str = ""
    ctxs: list[dict[str, Any]] = []
    answer: Any = None
    answers: list[Any] = []
    outputs: list[str] = []
    demos: list[list[str]] = []
    s_pop: float = 0.0
    type_needle_v: str = ""
    depth: Any = None

    @property
    def key(self) -> str:
        """What a question is called in all its depths."""
        named = next((each for each in (self.qid, self.id) if each is not None), None)
        return str(named if named is not None else self.question or self.query)


Row = LocatedRecord[_Record] | Reject


@dataclass(frozen=True)
class Helmet:
    """Four tasks of recall, four of answers from passages and one of ranking, as base models are asked them.

    In-context learning is `helmet_icl`, long answers and summaries `helmet_long`, answers with citations `helmet_cite`.

    Source: https://github.com/princeton-nlp/HELMET/blob/4526dfbd/data.py, scripts/generate_configs.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "helmet"
    tasks: tuple[Recall | Reading, ...] = (
        *("niah_multikey_2", "niah_multikey_3", "niah_multivalue", "json_kv"),
        *("nq", "triviaqa", "hotpotqa", "popqa", "msmarco"),
    )
    lengths: tuple[Length, ...] = ("8K", "16K", "32K", "64K", "128K")
    sampling: Sampling = "all"
    """`official`: 100 questions of each file, in all their depths."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, task by task and length by length.

        Raises:
            ConfigError: a file is not in the data root.
        """
        for task in self.tasks:
            file, sizes = _FILES[task]
            demos = _demonstrations(task, inputs)
            for length in self.lengths:
                path = DATA.file(inputs, f"{DATA.title}/data/{file.format(sizes[LENGTHS.index(length)])}")
                rows = list(read_rows(json_lines(path), _Record))
                if task == "popqa":
                    rows = [row for row in rows if isinstance(row, Reject) or _rare(row.record)]
                chosen = _chosen(rows, task) if self.sampling == "official" else rows
                yield from ask(chosen, partial(_sample, name, task, length, demos))

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the mean over lengths of the means over tasks, and the one over questions."""
        return macro_and_micro(scores)


def _rare(record: _Record) -> bool:
    return math.log10(max(record.s_pop, 1)) < _POPULAR


def _demonstrations(task: str, inputs: Inputs) -> list[_Record]:
    if task not in _DEMOS:
        return []
    rows = read_rows(json_lines(DATA.file(inputs, f"{DATA.title}/data/{_DEMOS[task]}")), _Record)
    records = [row.record for row in rows if isinstance(row, LocatedRecord)]
    return [record for record in records if _rare(record)] if task == "popqa" else records


def _chosen(rows: Sequence[Row], task: str) -> list[Row]:
    """Return the rows that the official code draws: by their questions, or the first of all shuffled."""
    if task == "json_kv" or task.startswith("niah"):
        return shuffled(rows)[:_COUNT]
    keys = sorted({row.record.key for row in rows if isinstance(row, LocatedRecord)})
    drawn = set(random.Random(SEED).sample(keys, min(_COUNT, len(keys))))
    return [row for row in rows if isinstance(row, Reject) or row.record.key in drawn]


def _sample(name: str, task: str, length: str, demos: list[_Record], row: LocatedRecord[_Record]) -> Sample:
    record = row.record
    asked_for, begun, gold = _question(task, record, _drawn(task, demos, record))
    facts: dict[str, str | float] = {"question": record.question or record.query}
    return sample(name, task, length, row, asked_for, begun, gold, record.key, facts)


def _drawn(task: str, demos: list[_Record], record: _Record) -> list[_Record]:
    """Return the demonstrations of a question: the first of a shuffle by its hash, no question twice, not its own."""
    others = [demo for demo in demos if demo.key != record.key] if task in ("popqa", "msmarco") else demos
    unique = {demo.key: demo for demo in reversed(shuffled(others, seed_of(record.key)))}
    return list(reversed(list(unique.values())))[:SHOTS]


def _question(task: str, record: _Record, demos: list[_Record]) -> tuple[str, str, Gold]:
    """Return what is asked, how the answer begins, and the gold, whose format names the metric."""
    if task.startswith("niah"):
        return _needle(task, record)
    if task == "json_kv":
        shown = "".join(f"Key: {key}\nCorresponding value: {value}\n\n" for key, value in record.demos[:SHOTS])
        extract = "Extract the value corresponding to the specified key in the JSON object below."
        gold = Gold(record.answer, "json_kv:substring_exact_match")
        return f"{record.context}\n\n{extract}\n\n{shown}Key: {record.question}", "Corresponding value:", gold
    if task == "msmarco":
        shown = "".join(f"{_listed(demo)}\n\nQuery: {demo.query}\nRanking: {_ranked(demo)}\n\n" for demo in demos)
        labels = [[each["id"], int(each["label"])] for each in record.ctxs]
        asked_for = f"{_RANK}{shown}{_listed(record)}\n\nQuery: {record.query}"
        return asked_for, "Ranking:", Gold(labels, "rerank:NDCG@10")
    shown = "".join(f"{_passages(demo)}\n\nQuestion: {demo.question}\nAnswer: {demo.answers[0]}\n\n" for demo in demos)
    asked_for = f"{_QA}{shown}{_passages(record)}\n\nQuestion: {record.question}"
    return asked_for, "Answer:", Gold(record.answers, "default:substring_exact_match")


def _needle(task: str, record: _Record) -> tuple[str, str, Gold]:
    kind, query = record.type_needle_v, record.query
    many = task == "niah_multivalue"
    some, are, all_the = ("Some", "are", "What are all the") if many else ("A", "is", "What is the")
    asked_for = (
        f"{some} special magic {kind} {are} hidden within the following text. Make sure to memorize it. I will quiz "
        f"you about the {kind} afterwards.\n{record.context}\n{all_the} special magic {kind} for {query} mentioned in "
        "the provided text?"
    )
    begun = f"The special magic {kind} for {query} mentioned in the provided text {are}"
    return asked_for, begun, Gold(record.answer or record.outputs, "ruler:ruler_recall")


def _passages(record: _Record) -> str:
    return "\n\n".join(f"Document (Title: {each['title']}): {each['text']}" for each in record.ctxs)


def _listed(record: _Record) -> str:
    titled = (f" (Title: {each['title']})" if "title" in each else "" for each in record.ctxs)
    pairs = zip(record.ctxs, titled, strict=True)
    return "\n\n".join(f"[ID: {each['id']}] Document{title}: {each['text']}" for each, title in pairs)


def _ranked(record: _Record) -> str:
    return " > ".join(str(each["id"]) for each in sorted(record.ctxs, key=lambda each: each["label"], reverse=True))

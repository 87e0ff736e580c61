"""VTCBench: questions on long texts that are shown as pictures of pages; Wild, and the base tasks as rendered."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._records import LocatedRecord, ask, parquet_rows, read_rows
from mmprolong.images.table_images import SCHEME
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("VTCBench", "CC-BY-NC-4.0", "https://huggingface.co/datasets/MLLM-CL/VTCBench")
Task = Literal["Retrieval", "Reasoning", "Memory"]
_LENGTH = "32K"
"""The texts of Wild have 1K to 32K tokens, and its official scores are over all of them; so have conversations."""
_NAMED_LENGTH = re.compile(r"-(\d+K)\b")
_METRICS = {"Retrieval": "contains_all", "Reasoning": "contains_all", "Memory": "ROUGE-L"}
_SHORT = (
    "Answer a question based on the above book snippet. Your answer should be short and based on either explicitly "
    "stated facts or strong, logical inferences. Return only the final answer with no additional explanation or "
    "reasoning. Question: "
)
_NUMBERS = (
    "Answer a question based on the above book snippet. Some special magic numbers are hidden within the following "
    "text. Make sure to memorize it. I will quiz you about the numbers afterwards. Question: "
)
_PHRASE = (
    "Based on the above context, write an answer in the form of a short phrase for the following question. Answer with "
    "exact words from the context whenever possible. Question: "
)


class _Record(msgspec.Struct):
    """One row; its images are read when they are shown."""

    problem: str
    answers: list[Any]
    _context: str = ""
    _source: str = "{}"
    """The question as the official code makes it from its templates, in JSON."""


@dataclass(frozen=True)
class VTCBenchTasks:
    """The questions of three tasks, the pages before each.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_vqa.py (VTCBench);
    https://github.com/Moenupa/VTCBench/blob/2da59fda/examples/run_wild.py, examples/run_dry.py (the base tasks),
    config/data/*.json, src/vtcbench/client/async_api_connector.py (their prompts).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "vtcbench"
    edition: Literal["Wild", "base"] = "Wild"
    """`base`: tables that the official run_dry.py rendered, with their length in the name where it is chosen."""
    tasks: tuple[Task, ...] = ("Retrieval", "Reasoning", "Memory")
    prompts: Literal["vlmevalkit", "run_wild"] = "vlmevalkit"
    """Of Wild; `run_wild`: as the authors' script has them, those of Retrieval and Reasoning swapped."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, task by task.

        Raises:
            ConfigError: a task's files are not in the data root.
            DataError: a file is no Parquet file, or lacks a column.
        """
        folder = f"{DATA.title}/{'data' if self.edition == 'Wild' else 'base'}"
        for task in self.tasks:
            pattern = f"{task}-*.parquet"
            files = sorted(DATA.file(inputs, folder).glob(pattern)) or [DATA.file(inputs, f"{folder}/{pattern}")]
            for path in files:
                make = partial(self._sample, name, task, path, _pictures(path))
                yield from ask(read_rows(parquet_rows([path], _Record), _Record), make)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions; the latter is the official overall of Wild."""
        return macro_and_micro(scores)

    def _sample(
        self, name: str, task: Task, path: Path, pictures: Sequence[int], located: LocatedRecord[_Record]
    ) -> Sample:
        record, row = located.record, located.number
        if not record.answers or not pictures[row]:
            raise ValueError(f"{len(record.answers)} answers, {pictures[row]} images")
        source = f"{SCHEME}{DATA.title}/{path.parent.name}/{path.name}#images@{row}"
        pages = (Image(source, place) for place in range(pictures[row]))
        length, cluster, facts = _LENGTH, f"{path.stem}-{row}", dict[str, str | float]()
        question = self._instruction(task) + record.problem
        if self.edition == "base":
            item = json.loads(record._source)
            found = _NAMED_LENGTH.search(path.stem)
            length = found[1] if found else _LENGTH
            identity = str(item["question_id"])
            cluster = identity.partition("_C")[0] if task == "Memory" else identity
            question, facts = _asked(task, item, record.problem), _depth(item, record)
        return Sample(
            id=f"{path.stem}-{row}",
            benchmark=name,
            task=task,
            length=length,
            cluster=cluster,
            prompt=(Message("user", (*pages, Text(question))),),
            gold=Gold(record.answers, _METRICS[task]),
            facts={"question": record.problem, "pages": pictures[row], **facts},
        )

    def _instruction(self, task: Task) -> str:
        if task == "Memory":
            return _PHRASE
        return _NUMBERS if (task == "Retrieval") == (self.prompts == "vlmevalkit") else _SHORT


def _asked(task: Task, item: dict[str, Any], problem: str) -> str:
    """Return the text behind the pages of a base task: its own template's, or else that of the task's settings."""
    _, found, behind = str(item.get("task_template") or "").partition("\n\nQuestion:")
    if found:
        return behind.format(question=problem).strip()
    if task == "Retrieval":
        raise ValueError("no task_template with a question")
    instruction = (_SHORT if task == "Reasoning" else _PHRASE).removesuffix(" Question: ")
    return f"{instruction}\n\n{problem}"


def _depth(item: dict[str, Any], record: _Record) -> dict[str, str | float]:
    """Return where in the text the needle stands, if there is one; in some it names the answer."""
    needle = str(item.get("needle") or "").replace("{CHAR}", str(record.answers[0]))
    begin = record._context.find(needle) if needle else -1
    return {"depth": begin / max(len(record._context) - len(needle), 1)} if begin >= 0 else {}


def _pictures(path: Path) -> list[int]:
    """Return the number of images of each row."""
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        batches = file.iter_batches(batch_size=64, columns=["images"])
        return [number or 0 for batch in batches for number in batch["images"].value_lengths().to_pylist()]

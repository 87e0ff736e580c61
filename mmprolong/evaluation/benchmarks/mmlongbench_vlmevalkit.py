"""MMLongBench as VLMEvalKit has it: one TSV a length, 256K and 512K among them, with whole prompts."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.errors import DataError
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._mmlongbench import ANSWER, IMAGES, depth_of, sample
from mmprolong.evaluation.benchmarks._padding import document_of, page_number
from mmprolong.evaluation.benchmarks._records import (
    ImageFiles,
    LocatedRecord,
    Refused,
    ask,
    interleaved,
    named,
    page_defects,
)
from mmprolong.evaluation.benchmarks.mmlongbench_niah import metric_of
from mmprolong.evaluation.benchmarks.mmlongbench_summ import FORMAT
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet(
    "MMLongBench for VLMEvalKit",
    "MIT",
    "https://huggingface.co/datasets/ZhaoweiWang/MMLongBench/tree/main/vlmevalkit",
)
_COLUMNS = ("index", "question_id", "question", "answer", "image_path", "task", "source_dataset", "extra_info")
_BEGUN = {"summ": "Summary:", "ICL": "label:"}
_DEFAULTS = (0, 1, 1, 0)
"""Answers that stand by turns, over all rows of the file, for replies without a yes or no."""
_LARGEST_FIELD = 1 << 30
"""Letters of a prompt; the csv module allows 131,072 unless it is told."""


@dataclass(frozen=True)
class MMLongBenchVLMEvalKit:
    """Questions as they were published for four lengths; those of 256K and 512K exist in no other form.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/mmlongbench.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mmlongbench"
    tasks: tuple[Literal["documentQA", "NIAH", "vrag", "ICL", "summ"], ...] = ("documentQA",)
    """Groups of tasks; documentQA has a scorer of its own."""
    lengths: tuple[Literal["32K", "128K", "256K", "512K"], ...] = ("256K", "512K")
    begun: bool = True
    """The model's turn is begun with 'Answer:', as the papers' code does; VLMEvalKit leaves it to the model."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions of each length, in the file's order.

        Raises:
            ConfigError: a file, or the folder of the images, is not in the data root.
            DataError: a file lacks a column.
        """
        for length in self.lengths:
            path = DATA.file(inputs, f"MMLongBench_{length}.tsv")
            images = ImageFiles(DATA.file(inputs, IMAGES).parent, IMAGES)
            rows = (row for row in _rows(path) if isinstance(row, Reject) or row.record["task"] in self.tasks)
            yield from ask(rows, partial(self._sample, images, name, length), lambda record: record["index"] or None)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the papers' mean (macro) and VLMEvalKit's (micro)."""
        return macro_and_micro(scores)

    def _sample(self, images: ImageFiles, name: str, length: str, row: LocatedRecord[dict[str, str]]) -> Sample:
        record = row.record
        more, paths = _object(record["extra_info"], "extra_info"), _paths(record["image_path"])
        task, data_set = record["task"], record["source_dataset"]
        form = str(more.get("answer_format", "String")) if task == "documentQA" else _metric(task, data_set)
        text = record["question"].replace("<image token>", "<image>")
        cluster = str(more.get("doc_name") or record["question_id"])
        facts: dict[str, str | float] = {"id": record["question_id"], "question": str(more.get("question", ""))}
        if form == "binary_acc":
            facts["default_answer"] = _DEFAULTS[row.number % len(_DEFAULTS)]
        evidence = _evidence(more, paths)
        if isinstance(more.get("ans_page_list"), list):
            own = {page_number(path) for path in paths if document_of(path) == more.get("doc_name")}
            facts |= page_defects(more["ans_page_list"], own, 0, None)
        facts |= depth_of(evidence[0] / max(len(paths) - 1, 1) if evidence else more.get("depth"))
        return sample(
            name,
            data_set,
            length,
            row,
            interleaved(text, [_found(images, path, length) for path in paths]),
            Gold(more.get("answer", record["answer"]), form, evidence),
            cluster,
            facts,
            _BEGUN.get(task, ANSWER) if self.begun else "",
        )


def _rows(path: Path) -> Iterator[LocatedRecord[dict[str, str]] | Reject]:
    """Yield the rows of a TSV; one with more or fewer cells than columns becomes a reject."""
    csv.field_size_limit(_LARGEST_FIELD)
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        table = csv.reader(file, delimiter="\t")
        header = next(table, [])
        missing = [column for column in _COLUMNS if column not in header]
        if missing:
            raise DataError(f"{path}: no column {missing[0]!r}; expected the official {', '.join(_COLUMNS)}")
        for number, cells in enumerate(table):
            where = f"{path.name}:{table.line_num}"
            if len(cells) != len(header):
                detail = f"{len(cells)} cells, {len(header)} columns"
                yield Reject(
                    what=named(where, cells[0] if cells else ""), reason="not an official record", detail=detail
                )
                continue
            record = dict(zip(header, cells, strict=True))
            yield LocatedRecord(named(where, record["question_id"]), number, record)


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Refused("not an official record", f"{what}: {error}") from error


def _paths(text: str) -> list[str]:
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError as error:
        raise Refused("not an official record", f"image_path: {error}") from error


def _found(images: ImageFiles, path: str, length: str) -> Any:
    """Return an image, which may stand below a folder of its length."""
    try:
        return images.image(f"{length}/{path}")
    except Refused:
        return images.image(path)


def _metric(task: str, data_set: str) -> str:
    if task == "NIAH":
        return metric_of(data_set)
    return {"vrag": "sub_em", "ICL": "cls_acc"}.get(task, FORMAT)


def _evidence(more: dict[str, Any], paths: Sequence[str]) -> tuple[int, ...]:
    """Return the places of the pages of the own document that the answer rests on."""
    wanted = more.get("ans_page_list")
    if not isinstance(wanted, list):
        return ()
    own = more.get("doc_name")
    return tuple(n for n, path in enumerate(paths) if document_of(path) == own and 0 <= page_number(path) in wanted)

"""MMLongBench v1.1's summarisation: government reports and lawsuits, every page an image."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Text
from mmprolong.evaluation.benchmarks import Inputs
from mmprolong.evaluation.benchmarks._mmlongbench import (
    DATA,
    TEXTS,
    Released,
    Sampling,
    TaskGroup,
    image_files,
    k_of,
    question_file,
    sample,
    shuffled_lines,
)
from mmprolong.evaluation.benchmarks._padding import document_of
from mmprolong.evaluation.benchmarks._records import (
    ImageFiles,
    LocatedRecord,
    Refused,
    ask,
    json_lines,
    read_rows,
)
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample

FORMAT = "rouge:rougeLsum_f1"
_BEGUN = "Summary:"
"""Begin of the model's turn."""
_ASKED = {
    "gov": (
        "You are given a government report from U.S. Government Accountability Office (GAO), and you are tasked to "
        "summarize the report. Write a concise summary (around 550 words) organized in multiple paragraphs. Where "
        "applicable, the summary should contain a short description of why GAO did this study, what GAO found, and "
        "what GAO recommends.\n\nGovernment Report:\n",
        "\n\nNow please summarize the report.",
    ),
    "lexsum": (
        "You are given the legal documents in a civil rights lawsuit, and you are tasked to summarize the case. Write "
        "a concise summary of one paragraph (200 to 250 words). The summary should contain a short description of the "
        "background, the parties involved, and the outcomes of the case.\n\nLegal documents:\n",
        "\n\nNow please summarize the case.",
    ),
}


class _Section(msgspec.Struct):
    section_title: str
    paragraphs: list[str]


class _Record(msgspec.Struct):
    """One line of an official file."""

    id: Any
    image_list: list[str]
    summary: str | list[_Section]


class _Claims(msgspec.Struct):
    """Points of an expert's summary."""

    id: Any
    claims: list[str]


@dataclass(frozen=True)
class MMLongBenchSumm(TaskGroup):
    """GovReport and Multi-LexSum; where the experts' points are there as well, each question carries its own.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (load_gov_report, load_multi_lexsum).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mmlongbench_tasks"
    sets: tuple[Literal["gov", "lexsum"], ...] = ("gov", "lexsum")
    lengths: tuple[Released, ...] = ("64K", "128K")
    sampling: Sampling = "all"
    """`official`: 100 questions of each file."""

    def questions(self, name: str, data_set: str, length: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions of one file, before the first one the points that cannot be read."""
        claims, broken = _claims(data_set, inputs)
        if length == self.lengths[0]:
            yield from broken
        path = question_file(inputs, f"summ/{data_set}_K{k_of(length)}.jsonl")
        rows = read_rows(shuffled_lines(path, self.sampling), _Record)
        make = partial(_sample, image_files(inputs), claims, name, data_set, length)
        yield from ask(rows, make, lambda record: record.id)


def _claims(data_set: str, inputs: Inputs) -> tuple[dict[str, list[str]], list[Reject]]:
    """Return the points of each summary by its id, and the lines that have none."""
    path = DATA.file(inputs, f"{TEXTS}/summ") / f"{data_set}_claims.jsonl"
    rows = list(read_rows(json_lines(path), _Claims)) if path.exists() else []
    found = {str(row.record.id): row.record.claims for row in rows if isinstance(row, LocatedRecord)}
    return found, [row for row in rows if isinstance(row, Reject)]


def _sample(
    images: ImageFiles, claims: dict[str, list[str]], name: str, data_set: str, length: str, row: LocatedRecord[_Record]
) -> Sample:
    record = row.record
    before, after = _ASKED[data_set]
    parts: list[Any] = []
    for page, image in zip(record.image_list, images.images(record.image_list), strict=True):
        parts += [Text(f"{before}Document {document_of(page):.15} (page {_page(page)}): "), image]
        before = "\n\n"
    facts: dict[str, str | float] = {"id": str(record.id)}
    if str(record.id) in claims:
        facts["claims"] = msgspec.json.encode(claims[str(record.id)]).decode()
    gold = Gold(_summary(record.summary), FORMAT)
    return sample(name, data_set, length, row, (*parts, Text(after)), gold, str(record.id), facts, _BEGUN)


def _page(page: str) -> str:
    """Return what stands between the first 'page' of a path and the next full stop."""
    _, found, rest = page.partition("page")
    if not found:
        raise Refused("image without a page number", page)
    return rest.partition("page")[0].partition(".")[0]


def _summary(summary: str | list[_Section]) -> str:
    if isinstance(summary, str):
        return summary
    return "\n\n".join(f"{each.section_title}:\n" + "\n".join(each.paragraphs) for each in summary)

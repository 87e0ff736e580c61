"""MMLongBench-Doc, its second edition and its correction: questions on whole PDFs, every page shown as an image."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Message, Pages, Text
from mmprolong.errors import DataError
from mmprolong.evaluation.benchmarks import DataSet, Inputs, nominal_pages
from mmprolong.evaluation.benchmarks._records import (
    LocatedRecord,
    Refused,
    ask,
    json_file,
    json_items,
    page_defects,
    parquet_rows,
    read_rows,
)
from mmprolong.images.image_files import SCHEME, FileImages
from mmprolong.images.renderer import find_renderer
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

_PDFS = "the PDFs of MMLongBench-Doc"
EDITIONS = {
    "V1": DataSet(
        "MMLongBench-Doc", "CC-BY-NC-4.0 (data), Apache-2.0 (code)", "https://github.com/mayubo2333/MMLongBench-Doc"
    ),
    "V2": DataSet(
        "MMLongBench-Doc-V2",
        f"Apache-2.0; {_PDFS}: CC-BY-NC-4.0",
        "https://github.com/VectifyAI/MMLongBench-Doc-V2",
    ),
    "MMLBD-C": DataSet(
        "MMLBD-C", f"see its card; {_PDFS}: CC-BY-NC-4.0", "https://huggingface.co/collections/lightonai/orion"
    ),
}
"""Their folders in the data root have the titles as names."""
UNANSWERABLE = "Not answerable"


class _Record(msgspec.Struct):
    """One question; lists are strings as Python writes them."""

    doc_id: str
    question: str
    answer: Any
    answer_format: str
    doc_type: str = ""
    evidence_pages: Any = "[]"
    """From 1; some files count from 0."""
    evidence_sources: Any = "[]"

    def pages(self) -> list[Any]:
        """Return the pages of the evidence; none where they cannot be read, which refuses the question elsewhere."""
        try:
            return _literal(self.evidence_pages)
        except Refused:
            return []


@dataclass(frozen=True)
class MMLongBenchDoc:
    """All questions of an edition, each before the pages of its document.

    Source: https://github.com/mayubo2333/MMLongBench-Doc/blob/d73f0dc0/run_api.py.
    """

    version: ClassVar[int] = 2
    scorer: ClassVar[Choice] = "mmlongbench_doc"
    edition: Literal["V1", "V2", "MMLBD-C"] = "V1"
    """Their numbers cannot be compared."""
    max_pages: int = 120
    """Pages shown of a document: the first ones."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the questions or the PDFs are not in the data root.
            DataError: the file of questions is not a list in JSON.
        """
        folder = self._documents(inputs)
        rows = read_rows(self._lines(inputs), _Record)
        files = FileImages(EDITIONS[self.edition].file(inputs, folder), find_renderer("pymupdf"))
        yield from ask(rows, lambda row: self._sample(row, files, folder, name), cited=_Record.pages)

    def _lines(self, inputs: Inputs) -> Iterable[tuple[str, int, bytes]]:
        """Return the records of samples.json, or else of the Parquet files that stand in its place on the hub."""
        data = EDITIONS[self.edition]
        tables = sorted(((inputs.data_root or Path()) / data.title / "data").glob("*.parquet"))
        if tables and not (tables[0].parent / "samples.json").exists():
            return parquet_rows(tables, _Record)
        path = data.file(inputs, f"{data.title}/data/samples.json")
        return json_items(path, json_file(path, list))

    def _documents(self, inputs: Inputs) -> str:
        """Return the folder of the PDFs: the edition's own, or else the first edition's, whose they are."""
        own, first = (f"{EDITIONS[edition].title}/data/documents" for edition in (self.edition, "V1"))
        return own if ((inputs.data_root or Path()) / own).is_dir() else first

    def _sample(self, row: LocatedRecord[_Record], files: FileImages, folder: str, name: str) -> Sample:
        record, title = row.record, EDITIONS[self.edition].title
        pages = _page_count(files, record.doc_id)
        shown = min(pages, self.max_pages)
        cited = _literal(record.evidence_pages)
        evidence = tuple(page - 1 for page in cited if isinstance(page, int) and 0 < page <= shown)
        kinds = ", ".join(map(str, _literal(record.evidence_sources)))
        facts: dict[str, str | float] = {"question": record.question, "evidence": kinds, "document": record.doc_type}
        facts |= {"evidence_pages": len(cited), **page_defects(cited, range(1, shown + 1), 1, pages)}
        if evidence:
            facts["depth"] = evidence[0] / max(shown - 1, 1)
        whole = Pages(f"{SCHEME}{folder}/{record.doc_id}", 0, shown - 1)
        return Sample(
            id=f"{title}-{row.number}",
            benchmark=name,
            task=title,
            length=nominal_pages(shown),
            cluster=record.doc_id,
            prompt=(Message("user", (Text(record.question), whole)),),
            gold=Gold(record.answer, record.answer_format, evidence),
            facts=facts,
        )

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return accuracy (micro) and F1, and the accuracy on questions with one page, several, and no answer.

        Recall is over the answerable questions, precision over the answers that do not abstain; whether one does is a
        judge's word where there is one.

        Source: https://github.com/mayubo2333/MMLongBench-Doc/blob/d73f0dc0/eval/eval_score.py (eval_acc_and_f1,
        show_results), https://github.com/VectifyAI/MMLongBench-Doc-V2/blob/3aba3c68/eval/metrics.py (acc_and_f1).
        """
        values = [score.value for score in scores if not self._abstains(score.target)]
        answered = sum(not score.also.get("abstained", self._abstains(score.parsed)) for score in scores)
        recall, precision = sum(values) / max(len(values), 1), sum(values) / max(answered, 1)
        f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
        found = {"micro": fmean(score.value for score in scores), "f1": f1, "recall": recall, "precision": precision}
        slices: dict[str, list[float]] = {"single_page": [], "cross_page": [], "unanswerable": []}
        for score in scores:
            unanswerable = self._abstains(score.target)
            if score.facts.get("evidence_pages") == 1:
                slices["single_page"].append(score.value)
            elif not unanswerable:
                slices["cross_page"].append(score.value)
            if unanswerable:
                slices["unanswerable"].append(score.value)
        return found | {key: fmean(each) for key, each in slices.items() if each}

    def _abstains(self, answer: str) -> bool:
        """Tell whether an answer abstains: V2 knows all texts that begin so, the others one spelling."""
        return answer == UNANSWERABLE or (self.edition == "V2" and answer.startswith(UNANSWERABLE))


def _page_count(files: FileImages, document: str) -> int:
    try:
        return files.pages(SCHEME + document)
    except DataError as error:
        raise Refused("document cannot be read", str(error)) from error


def _literal(value: Any) -> list[Any]:
    """Read a list, or its text as Python writes it.

    Raises:
        Refused: it is none.
    """
    if isinstance(value, list):
        return value
    try:
        return list(ast.literal_eval(value))
    except (SyntaxError, TypeError, ValueError, MemoryError, RecursionError) as error:
        raise Refused("not an official record", f"{value!r} is no list") from error

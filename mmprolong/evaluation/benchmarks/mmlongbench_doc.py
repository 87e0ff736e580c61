"""MMLongBench-Doc: questions on whole PDFs, every page shown as an image."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Message, Pages, Text
from mmprolong.errors import DataError
from mmprolong.evaluation.benchmarks import DataSet, Inputs, nominal_pages
from mmprolong.images.image_files import SCHEME, FileImages
from mmprolong.images.renderer import find_renderer
from mmprolong.records import Gold, Reject, Sample, Score

EDITIONS = {
    "V1": DataSet(
        "MMLongBench-Doc", "CC-BY-NC-4.0 (data), Apache-2.0 (code)", "https://github.com/mayubo2333/MMLongBench-Doc"
    ),
    "V2": DataSet("MMLongBench-Doc-V2", "Apache-2.0", "https://github.com/VectifyAI/MMLongBench-Doc-V2"),
}
"""Their folders in the data root have the titles as names."""
UNANSWERABLE = "Not answerable"


class _Record(msgspec.Struct):
    """One question; lists are strings as Python writes them."""

    doc_id: str
    doc_type: str
    question: str
    answer: Any
    evidence_pages: str
    """From 1; some files count from 0."""
    evidence_sources: str
    answer_format: str


@dataclass(frozen=True)
class MMLongBenchDoc:
    """All questions, each after which come the pages of its document.

    Source: https://github.com/mayubo2333/MMLongBench-Doc/blob/d73f0dc0/run_api.py.
    """

    version: ClassVar[int] = 1
    edition: Literal["V1", "V2"] = "V1"
    """Their numbers cannot be compared."""
    max_pages: int = 120
    """Pages shown of a document: the first ones."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the questions or the PDFs are not in the data root.
            DataError: the file of questions is not JSON.
        """
        data = EDITIONS[self.edition]
        path = data.file(inputs, f"{data.title}/data/samples.json")
        documents = data.file(inputs, f"{data.title}/data/documents")
        files = FileImages(documents, find_renderer("pymupdf"))
        try:
            records = msgspec.json.decode(path.read_bytes(), type=list[msgspec.Raw])
        except msgspec.DecodeError as error:
            raise DataError(f"{path}: {error}; expected the official list of questions") from error
        for number, raw in enumerate(records):
            what = f"{path.name}[{number}]"
            try:
                record = msgspec.json.decode(raw, type=_Record)
                yield self._sample(record, files.pages(SCHEME + record.doc_id), name, number)
            except msgspec.DecodeError as error:
                yield Reject(what=what, reason="not an official record", detail=str(error))
            except DataError as error:
                yield Reject(what=what, reason="document cannot be read", detail=str(error))

    def _sample(self, record: _Record, pages: int, name: str, number: int) -> Sample:
        shown = min(pages, self.max_pages)
        evidence = tuple(page - 1 for page in _literal(record.evidence_pages) if 0 < page <= shown)
        kinds = ", ".join(_literal(record.evidence_sources))
        facts: dict[str, str | float] = {"question": record.question, "evidence": kinds, "document": record.doc_type}
        if evidence:
            facts["depth"] = evidence[0] / max(shown - 1, 1)
        data = EDITIONS[self.edition]
        source = f"{SCHEME}{data.title}/data/documents/{record.doc_id}"
        return Sample(
            id=f"{data.title}-{number}",
            benchmark=name,
            task=data.title,
            length=nominal_pages(shown),
            cluster=record.doc_id,
            prompt=(Message("user", (Text(record.question), Pages(source, 0, shown - 1))),),
            gold=Gold(record.answer, record.answer_format, evidence),
            facts=facts,
        )

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return accuracy and F1: recall over the answerable questions, precision over the answers that do not abstain.

        Source: https://github.com/mayubo2333/MMLongBench-Doc/blob/d73f0dc0/eval/eval_score.py (eval_acc_and_f1).
        """
        values = [score.value for score in scores if not self._abstains(score.target)]
        answered = sum(not self._abstains(score.parsed) for score in scores)
        recall, precision = sum(values) / max(len(values), 1), sum(values) / max(answered, 1)
        f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
        micro = fmean(score.value for score in scores)
        return {"micro": micro, "f1": f1, "recall": recall, "precision": precision}

    def _abstains(self, answer: str) -> bool:
        """Tell whether an answer abstains: V1 knows one spelling, V2 all texts that begin with it."""
        return answer == UNANSWERABLE or (self.edition == "V2" and answer.startswith(UNANSWERABLE))


def _literal(text: str) -> list[Any]:
    """Read a list as Python writes it.

    Raises:
        msgspec.ValidationError: it is none.
    """
    try:
        return list(ast.literal_eval(text))
    except (SyntaxError, TypeError, ValueError) as error:
        raise msgspec.ValidationError(f"{text!r} is no list") from error

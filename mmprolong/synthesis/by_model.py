"""Questions that a vision-language model writes on segments of documents; many requests at once."""

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmprolong import plugins
from mmprolong.errors import EndpointError, RequestFailed
from mmprolong.llm.budget import Budget
from mmprolong.llm.flows import drive
from mmprolong.llm.ledger import Ledger
from mmprolong.llm.requests import Chat, Flow
from mmprolong.records import Document, Example, Reject
from mmprolong.settings.knobs import Source
from mmprolong.settings.llm import Llm
from mmprolong.synthesis.llm_tasks import ModelTask
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import segments
from mmprolong.synthesis.template import example_of

_TRIES = 3
"""Segments that are tried before a question is given up."""


class _Wanted(NamedTuple):
    document: Document
    length: str
    task: str
    number: int


def write_by_model(
    parsed_documents: Iterable[tuple[ParsedDocument, str]], source: Source, llm: Llm, chat: Chat, store: Path
) -> Iterator[Example | Reject]:
    """Yield up to `source.questions_per_task` examples of every task over each document, and the rejects.

    Answers that the ledger of `store` holds are not requested again.

    Raises:
        EndpointError: the model does not answer, or some questions had no answer; a rerun asks only these.
        OverBudget: the next request might cost too much.
    """
    ledger = Ledger(store, llm.model)
    wanted: deque[_Wanted] = deque()
    flows = _flows(parsed_documents, source, wanted)
    unanswered: list[RequestFailed] = []
    for found in drive(flows, chat, ledger, Budget(llm, ledger), llm.at_once):
        document, length, task, number = wanted.popleft()
        if isinstance(found, RequestFailed) and found.again:
            unanswered.append(found)
        elif isinstance(found, RequestFailed):
            yield Reject(what=f"{document.source}: {task}", reason=found.reason, detail=found.detail)
        else:
            identifier = f"{document.key}-{source.seed}-{task}-{number}"
            for each in found:
                refused = isinstance(each, Reject)
                yield each if refused else example_of(identifier, task, each, document, length, llm.model)
    if unanswered:
        raise EndpointError(
            f"{llm.model}: {len(unanswered)} questions had no answer, the first: {unanswered[0]}; run again, only "
            "these are asked"
        )


def _flows(
    parsed_documents: Iterable[tuple[ParsedDocument, str]], source: Source, wanted: "deque[_Wanted]"
) -> Iterator[Flow[list[Question | Reject]]]:
    """Yield a flow for every question that is wanted; notes its purpose in `wanted`."""
    for parsed, length in parsed_documents:
        document = parsed.document
        for name in source.tasks:
            task: ModelTask = plugins.make("mmprolong.synthesis.llm_tasks", name, "source.tasks")
            for number in range(source.questions_per_task):
                wanted.append(_Wanted(document, length, name, number))
                rng = np.random.default_rng([source.seed, document.number, number, *name.encode()])
                yield _one_question(task, parsed, rng)


def _one_question(task: ModelTask, parsed: ParsedDocument, rng: np.random.Generator) -> Flow[list[Question | Reject]]:
    """Ask about one segment after another until a question holds."""
    runs = segments(parsed)
    found: list[Question | Reject] = []
    for index in rng.permutation(len(runs))[:_TRIES]:
        found += yield from task.write(parsed, runs[int(index)], rng)
        if any(isinstance(each, Question) for each in found):
            break
    return found

"""Questions that a vision-language model writes on segments of documents; many requests at once."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmprolong import plugins
from mmprolong.errors import EndpointError, RequestFailed
from mmprolong.llm.budget import Budget
from mmprolong.llm.flows import drive, estimate
from mmprolong.llm.ledger import Cost, Ledger
from mmprolong.llm.requests import Chat, Flow, in_words
from mmprolong.records import Example, Reject
from mmprolong.settings.data import Source
from mmprolong.settings.llm import Llm
from mmprolong.synthesis.examples import document_rng, example_of, shown
from mmprolong.synthesis.llm_tasks import ModelTask
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import draw_segments
from mmprolong.synthesis.verify import find_repeat

_TRIES = 3
"""Segments that are tried before a question is given up."""

Parsed = tuple[ParsedDocument, str]
"""What an example shows, and the name of its length."""


class _Wanted(NamedTuple):
    pages: ParsedDocument
    length: str
    task: str
    version: int
    number: int


def write_by_model(
    parsed_documents: Iterable[Parsed], source: Source, llm: Llm, chat: Chat, store: Path
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
    asked: list[Question] = []
    before = ""
    for found in drive(flows, chat, ledger, Budget(llm, ledger), llm.at_once):
        pages, length, task, version, number = wanted.popleft()
        if pages.name != before:
            before, asked = pages.name, []
        if isinstance(found, RequestFailed) and found.again:
            unanswered.append(found)
        elif isinstance(found, RequestFailed):
            yield Reject(what=f"{pages.document.source}: {task}", reason=found.reason, detail=found.detail)
        else:
            for each in found:
                repeat = find_repeat(each, asked) if isinstance(each, Question) else ""
                if isinstance(each, Reject):
                    yield each
                elif repeat:
                    yield Reject(what=f"{pages.document.source}: {task}", reason=repeat, detail=each.text)
                else:
                    asked.append(each)
                    origin = f"{llm.model} {task}-{version}"
                    yield example_of(f"{source.seed}-{task}-{number}", task, each, pages, length, origin)
    if unanswered:
        raise EndpointError(
            f"{llm.model}: {len(unanswered)} questions had no answer, the first: {unanswered[0]}; run again, only "
            "these are asked"
        )


def most_cost(parsed_documents: Iterable[Parsed], source: Source, llm: Llm, chat: Chat, store: Path) -> Cost:
    """Return the most that the first unknown request of each question may cost; nothing is asked.

    Raises:
        OverBudget: it is more than is left.
    """
    ledger = Ledger(store, llm.model)
    budget = Budget(llm, ledger)
    cost = estimate(_flows(parsed_documents, source, deque(maxlen=1)), chat, ledger, budget)
    budget.refuse(cost)
    return cost


def _flows(
    parsed_documents: Iterable[Parsed], source: Source, wanted: "deque[_Wanted]"
) -> Iterator[Flow[list[Question | Reject]]]:
    """Yield a flow for every question that is wanted; notes its purpose in `wanted`."""
    for parsed, length in parsed_documents:
        for pages, numbers in shown(parsed, source):
            for name in source.tasks:
                choice = {"name": name, "exemplars": source.exemplars}
                task: ModelTask = plugins.make("mmprolong.synthesis.llm_tasks", choice, "source.tasks")
                for number in numbers:
                    wanted.append(_Wanted(pages, length, name, task.version, number))
                    flow = _one_question(task, pages, source, document_rng(pages, source, name, number))
                    yield flow if source.reply_format == "schema" else in_words(flow)


def _one_question(
    task: ModelTask, parsed: ParsedDocument, source: Source, rng: np.random.Generator
) -> Flow[list[Question | Reject]]:
    """Ask about one segment after another until a question holds."""
    found: list[Question | Reject] = []
    for segment in islice(draw_segments(parsed, source.scope, rng), _TRIES):
        found += yield from task.write(parsed, segment, rng)
        if any(isinstance(each, Question) for each in found):
            break
    return found

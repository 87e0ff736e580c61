"""A second model as a filter: it must not know an answer without the document, and must find it on its evidence."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from mmprolong.conversations import Image, Message, Text, images_of
from mmprolong.errors import EndpointError, RequestFailed
from mmprolong.llm.budget import Budget
from mmprolong.llm.flows import drive
from mmprolong.llm.ledger import Ledger
from mmprolong.llm.requests import Chat, Flow, Request, structured
from mmprolong.records import Example, Gold, Reject
from mmprolong.settings.llm import Llm
from mmprolong.synthesis.verify import items_of, letters_of

_AT_ONCE = 256
"""Examples that are held while the second model looks at them."""
_UNCHECKED = "transcription"
"""Kind of examples whose answers the document itself gives."""
_CLOSED = """\
Answer a question about a document that you are not shown, from what you know or can guess. Reply with one JSON \
object: `answer` (short; an empty string if you cannot know it).

{question}"""
_OPEN = """\
Answer the question from the pages shown. Reply with one JSON object: `answer` (a word, a phrase, a number, or a JSON \
list in a string; an empty string if the pages do not say it, or if they allow several answers).

{question}"""


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """The second model's reply."""

    answer: str


def filtered(items: Iterable[Example | Reject], llm: Llm, chat: Chat, store: Path) -> Iterator[Example | Reject]:
    """Yield the examples whose answers the second model confirms; the others become rejects.

    Raises:
        EndpointError: the model does not answer, or some examples had no answer; a rerun asks only about these.
        OverBudget: the next request might cost too much.
    """
    left = iter(items)
    ledger = Ledger(store, llm.model)
    while held := list(islice(left, _AT_ONCE)):
        examples = [each for each in held if isinstance(each, Example)]
        verdicts = drive(map(confirmed, examples), chat, ledger, Budget(llm, ledger), llm.at_once)
        for item in held:
            found = next(verdicts) if isinstance(item, Example) else item
            if isinstance(found, RequestFailed) and found.again:
                raise EndpointError(f"{llm.model}: {found}; run again, only what has no answer is asked")
            if isinstance(found, RequestFailed):
                found = Reject(what=what_of(item), reason=f"second model: {found.reason}", detail=found.detail)
            yield found


def confirmed(example: Example) -> Flow[Example | Reject]:
    """Ask for the answer without the document, then with its evidence pages alone."""
    conversation, (gold,) = example.conversations["answer"], example.gold
    question = conversation[0].text
    if example.facts.get("kind") == _UNCHECKED or not gold.evidence:
        return example
    known = yield from structured(_request(_CLOSED.format(question=question), ()), Said)
    if agree(known.answer, gold):
        return Reject(what=what_of(example), reason="answerable without the document", detail=question)
    images = list(images_of(conversation))
    pages = [images[place] for place in gold.evidence]
    read = yield from structured(_request(_OPEN.format(question=question), pages), Said)
    if agree(read.answer, gold):
        return example
    detail = f"{question} {gold.answer!r}, second model: {read.answer!r}"
    return Reject(what=what_of(example), reason="second model disagrees", detail=detail)


def agree(said: str, gold: Gold) -> bool:
    """Tell whether two answers are the same: numbers by value, lists in any order, words if one holds the other."""
    if gold.format in ("Integer", "Float"):
        try:
            return abs(float(said.replace(",", "")) - float(gold.answer)) <= 0.005 * abs(float(gold.answer))
        except ValueError:
            return False
    if gold.format == "List":
        return sorted(map(letters_of, items_of(said))) == sorted(map(letters_of, items_of(gold.answer)))
    one, other = letters_of(said), letters_of(str(gold.answer))
    return bool(one and other) and (one in other or other in one)


def what_of(item: Example | Reject) -> str:
    """Return the name of an item for its reject."""
    return item.id if isinstance(item, Example) else item.what


def _request(text: str, pages: Sequence[Image]) -> Request:
    return Request(messages=(Message("user", (Text(text), *pages)),))

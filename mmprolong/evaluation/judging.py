"""Marks by rules and by judges: verdicts come from the ledger where it has them, and no failure becomes a score."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import DataError, RequestFailed
from mmprolong.evaluation.scorers import UNPARSED, conclude
from mmprolong.llm.budget import Budget
from mmprolong.llm.chat.openai import OpenAIChat
from mmprolong.llm.flows import drive
from mmprolong.llm.ledger import Ledger
from mmprolong.llm.requests import Answer, Flow, Request
from mmprolong.records import Mark
from mmprolong.settings.llm import Llm

JUDGE = "judge"
"""Name of the judge whose verdicts are the score, and of its column; of others `judge/NAME`."""
_HASH = 16
"""Hex digits of a prompt's SHA-256 that are kept."""


@dataclass(frozen=True)
class Judging:
    """Marks of all replies, in their order, and the judges that gave them."""

    marks: list[Mark]
    judges: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By column: model, sampling, calls answered without a verdict, and the mean of the verdicts."""


def judge_all(flows: Callable[[], Iterable[Flow[Mark]]], judges: Mapping[str, Llm], store: Path) -> Judging:
    """Return the mark of every flow; of several judges the first one's, with the others' beside it.

    Args:
        flows: one a reply; called once a judge.
        judges: by column; none: no flow may ask.

    Raises:
        ConfigError: a key is missing, or a flow asks and there is no judge.
        DataError: replies have no verdict after all attempts; names the judge, the first one and how many.
    """
    if not judges:
        return Judging([conclude(flow) for flow in flows()])
    by_judge = {name: _verdicts(flows(), settings, store) for name, settings in judges.items()}
    marks = []
    for verdicts in zip(*by_judge.values(), strict=True):
        said = {name: mark.value for name, mark in zip(by_judge, verdicts, strict=True) if _said(mark)}
        marks.append(replace(verdicts[0], also={**verdicts[0].also, **said}))
    return Judging(marks, {name: _described(judges[name], each) for name, each in by_judge.items()})


def _verdicts(flows: Iterable[Flow[Mark]], settings: Llm, store: Path) -> list[Mark]:
    """Return one judge's marks."""
    ledger, chat = Ledger(store, settings.model), OpenAIChat(settings)
    marks: list[Mark] = []
    failed: list[RequestFailed] = []
    for mark in drive(map(recorded, flows), chat, ledger, Budget(settings, ledger), settings.at_once):
        if isinstance(mark, RequestFailed):
            failed.append(mark)
        else:
            marks.append(mark)
    if failed:
        total = len(marks) + len(failed)
        raise DataError(
            f"{settings.model}: {len(failed)} of {total} replies have no verdict, the first: {failed[0]}; "
            "run again, only these are asked"
        )
    return marks


def recorded(flow: Flow[Mark]) -> Flow[Mark]:
    """Add to a mark the hash of the prompt that the judge was shown; an answer that is no verdict is `unparsed`.

    Raises:
        RequestFailed: no answer came.
    """
    prompt = ""
    try:
        request = next(flow)
        while True:
            prompt = prompt or _hash(request)
            answer = yield from _asked(request)
            if isinstance(answer, RequestFailed):
                request = flow.throw(answer)
                continue
            try:
                request = flow.send(answer)
            except RequestFailed as failure:  # of the flow itself: twice no verdict
                detail = f"{UNPARSED}: {failure}"
                return Mark(value=0.0, unparsed=True, judge=answer.model, prompt=prompt, reason=detail)
    except StopIteration as end:
        mark: Mark = end.value
        return replace(mark, prompt=prompt, unparsed=mark.unparsed or mark.reason == UNPARSED)


def _asked(request: Request) -> Iterator[Any]:
    """Yield a request; returns its answer, or the failure that was thrown in its place."""
    try:
        answer: Answer = yield request
    except RequestFailed as failure:
        return failure
    return answer


def _hash(request: Request) -> str:
    shown = msgspec.json.encode([request.messages, request.schema])
    return hashlib.sha256(shown).hexdigest()[:_HASH]


def _said(mark: Mark) -> bool:
    """Tell whether a mark rests on a verdict."""
    return bool(mark.judge) and not mark.unparsed


def _described(settings: Llm, marks: Sequence[Mark]) -> dict[str, Any]:
    said = [mark.value for mark in marks if _said(mark)]
    return {
        "model": settings.model,
        "answered_as": dict(Counter(mark.judge for mark in marks if mark.judge)),
        **msgspec.to_builtins(settings.sampling),
        "verdicts": len(said),
        "unparsed": sum(mark.unparsed for mark in marks),
        "mean": sum(said) / len(said) if said else None,
    }

"""Requests to a language model, its answers, and flows: code that asks without knowing which model answers."""

import json
import re
from collections.abc import Generator
from typing import Any, Protocol, TypeVar

import msgspec

from mmprolong.conversations import Conversation, Message, Text
from mmprolong.errors import RequestFailed
from mmprolong.settings.llm import Sampling

T = TypeVar("T")
_FENCED = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)
_IN_WORDS = "\nFirst think in words. Then end with that JSON object."
_AGAIN = "This is not the JSON that was asked for: {flaw}. Reply with the corrected JSON and nothing else."


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a model."""

    messages: Conversation
    sampling: Sampling | None = None
    """None: as the model's settings have it."""
    schema: str = ""
    """JSON schema of the answer; empty: free text."""
    draw: int = 0
    """Added to the seed: two draws of one question are two requests."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The model's text, and the tokens that it took."""

    text: str
    prompt_tokens: int = 0
    """All of them, the cached ones included."""
    cached_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""
    """As the server names what answered."""
    finish: str = "stop"
    """Reason for the end: `stop`, `length` (at `max_tokens`), `refusal`, `content_filter` or the server's own word."""


Flow = Generator[Request, Answer, T]
"""Asks by yielding and ends with a T. Pure: the same answers give the same T, so the ledger resumes it."""


class Chat(Protocol):
    """Answers requests."""

    model: str
    sampling: Sampling
    """Sampling of requests that do not bring their own."""
    view: str
    """Names how images become what the model is shown; a part of what names an answer to a request with images."""

    async def ask(self, request: Request) -> Answer:
        """Return the model's answer.

        Raises:
            RequestFailed: this request has no answer.
            EndpointError: no request will have one.
        """
        ...

    async def close(self) -> None:
        """Close the connections; a later `ask` opens them again."""
        ...


def structured(request: Request, kind: type[T]) -> Flow[T]:
    """Ask for JSON; an answer that is not of `kind` goes back once, with its error.

    Args:
        kind: a msgspec.Struct. Its fields are the schema; one that is written first is reasoned on first.

    Raises:
        RequestFailed: the second answer is wrong, too, or an answer is cut or refused.
    """
    request = msgspec.structs.replace(request, schema=schema_of(kind))
    answer = yield request
    try:
        return decode(answer, kind)
    except RequestFailed as failure:
        if answer.finish != "stop":
            raise
        flaw = _AGAIN.format(flaw=failure.detail)
    correction = (Message("assistant", (Text(answer.text),)), Message("user", (Text(flaw),)))
    second = yield msgspec.structs.replace(request, messages=(*request.messages, *correction))
    return decode(second, kind)


def in_words(flow: Flow[T]) -> Flow[T]:
    """Let a model think in free text: no schema holds it, and the last JSON object of its text is its answer."""
    try:
        request = next(flow)
        while True:
            last = request.messages[-1]
            asked = msgspec.structs.replace(last, parts=(*last.parts, Text(_IN_WORDS)))
            free = msgspec.structs.replace(request, schema="", messages=(*request.messages[:-1], asked))
            try:
                answer = yield free
            except RequestFailed as failure:
                request = flow.throw(failure)
            else:
                request = flow.send(msgspec.structs.replace(answer, text=last_object(answer.text)))
    except StopIteration as end:
        return end.value


def last_object(text: str) -> str:
    """Return the last JSON object of a text that is no part of another; the text where there is none."""
    decoder, found, at = json.JSONDecoder(), text, text.find("{")
    while at >= 0:
        try:
            _, end = decoder.raw_decode(text, at)
        except ValueError:
            end = at + 1
        else:
            found = text[at:end]
        at = text.find("{", end)
    return found


def decode(answer: Answer, kind: type[T]) -> T:
    """Return the JSON of an answer, bare or in a Markdown fence, as a `kind`.

    Raises:
        RequestFailed: it is not; or it was cut or refused, which explains it.
    """
    fenced = _FENCED.fullmatch(answer.text)
    try:
        return msgspec.json.decode(fenced[1] if fenced else answer.text, type=kind)
    except msgspec.DecodeError as error:
        reason = "not the JSON asked for" if answer.finish == "stop" else f"answer ends by {answer.finish}"
        raise RequestFailed(reason, str(error)) from error


def schema_of(kind: type) -> str:
    """Return the JSON schema of a msgspec.Struct: an object at its root, without the docstrings of our code."""
    _, parts = msgspec.json.schema_components((kind,), ref_template="#/$defs/{name}")
    plain: dict[str, Any] = {
        name: {key: value for key, value in part.items() if key != "description"} for name, part in parts.items()
    }
    root = plain.pop(kind.__name__)
    return json.dumps({**root, "$defs": plain} if plain else root)

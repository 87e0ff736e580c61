"""The order of pages and question in a prompt."""

from typing import Literal

from mmprolong.conversations import Conversation, Message, Part, Text

PromptOrder = Literal["pages_first", "question_first", "official"]
"""`pages_first`: a question behind the pages, so that all questions on a document begin alike. `question_first`: before
them, so that no two do. `official`: as the benchmark's own code has it."""


def ordered(prompt: Conversation, order: PromptOrder) -> Conversation:
    """Return a prompt whose last turn of the user has pages and question in an order.

    The question is the text behind the last image, or where there is none the first text. Other texts, such as the name
    of the image behind them, stay where they are.
    """
    asked = max((place for place, message in enumerate(prompt) if message.role == "user"), default=None)
    if order == "official" or asked is None:
        return prompt
    message = prompt[asked]
    shown = [place for place, part in enumerate(message.parts) if not isinstance(part, Text)]
    if not shown:
        return prompt
    begun, pages, rest = _cut(message.parts, shown[0], shown[-1] + 1)
    question, before = (rest, begun) if rest else (begun[:1], begun[1:])
    parts = (*before, *pages, *question) if order == "pages_first" else (*question, *before, *pages)
    return (*prompt[:asked], Message(message.role, parts), *prompt[asked + 1 :])


def _cut(parts: tuple[Part, ...], first: int, end: int) -> tuple[tuple[Part, ...], ...]:
    return parts[:first], parts[first:end], parts[end:]

"""A chat with given answers: for tests, and to try a flow without a server."""

from collections import deque
from collections.abc import Callable, Iterable

from mmprolong.errors import RequestFailed
from mmprolong.llm.requests import Answer, Request
from mmprolong.settings.llm import Sampling

Given = str | Answer | RequestFailed


class ScriptedChat:
    """Gives its answers in order, or computes them by a function of the request.

    Attributes:
        asked: all requests so far.
    """

    def __init__(self, answers: Iterable[Given] | Callable[[Request], Given], model: str = "scripted") -> None:
        self.model, self.sampling, self.view = model, Sampling(), ""
        self.asked: list[Request] = []
        self._answers = answers if callable(answers) else deque(answers)

    async def ask(self, request: Request) -> Answer:
        """Return the next answer, or raise it."""
        self.asked.append(request)
        answer = self._answers(request) if callable(self._answers) else self._answers.popleft()
        if isinstance(answer, RequestFailed):
            raise answer
        return Answer(text=answer, model=self.model) if isinstance(answer, str) else answer

    async def close(self) -> None:
        """Do nothing."""

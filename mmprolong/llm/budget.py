"""A hard limit on what a model may cost, over all that its ledger holds."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mmprolong.conversations import Image, Text, Video, flat
from mmprolong.errors import ConfigError, OverBudget
from mmprolong.llm.ledger import Cost, Ledger
from mmprolong.llm.requests import Answer, Request
from mmprolong.settings.llm import Llm, Sampling

_BYTES_PER_TOKEN = 3
"""Bytes of UTF-8 a token; English has 4 and more, so that estimates are rather too high."""
_LOOK_SECONDS = 1.0
"""Between two looks at what other processes have spent."""


class Budget:
    """Refuses a request that might cost more than is left.

    What was spent is read from the ledger: it holds over steps, restarts and processes. Processes that run side by side
    do not see each other's requests under way, and see files of other nodes as late as their file system shows them.

    Raises:
        ConfigError: money is limited, but nothing has a price.
    """

    def __init__(self, settings: Llm, ledger: Ledger) -> None:
        prices = settings.prices
        if settings.budget.money and not (prices.prompt or prices.completion):
            raise ConfigError(f"llm.budget.money: {settings.budget.money}, but nothing has a price; set llm.prices")
        self._settings = settings
        self._ledger = ledger
        self._held: list[Cost] = []
        """Of requests under way."""
        self._looked = time.monotonic()

    def most(self, request: Request, sampling: Sampling) -> Cost:
        """Return the cost of a request whose answer is as long as it may be; its prompt is estimated."""
        parts = [part for message in request.messages for part in flat(message.parts)]
        texts = sum(len(part.text.encode()) for part in parts if isinstance(part, Text)) + len(request.schema)
        frames = sum(len(part.frames) for part in parts if isinstance(part, Video))
        images = sum(isinstance(part, Image) for part in parts) + frames
        prompt = math.ceil(texts / _BYTES_PER_TOKEN) + images * self._settings.image_tokens
        return self._cost(prompt, 0, (request.sampling or sampling).max_tokens)

    def money(self, answer: Answer) -> float:
        """Return the price of an answer."""
        return self._cost(answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens).money

    def refuse(self, coming: Cost) -> None:
        """Refuse a request that might cost too much.

        Raises:
            OverBudget: spent, under way and `coming` are together more than the limit.
        """
        limits = self._settings.budget
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._ledger.refresh()
            self._looked = time.monotonic()
        spent = self._ledger.spent
        for name, new in coming._asdict().items():
            limit, gone = getattr(limits, name), getattr(spent, name)
            held = sum(getattr(each, name) for each in self._held)
            if limit and gone + held + new > limit:
                raise OverBudget(
                    f"llm.budget.{name}: {_told(gone)} of {_told(limit)} are spent, requests under way may take "
                    f"{_told(held)} and what comes next {_told(new)}; raise it to continue, all answers are kept in "
                    f"{self._ledger.folder}"
                )

    @contextmanager
    def hold(self, coming: Cost) -> Iterator[None]:
        """Keep the cost of a request free while it is under way.

        Raises:
            OverBudget: not so much is left.
        """
        self.refuse(coming)
        self._held.append(coming)
        try:
            yield
        finally:
            self._held.remove(coming)

    def _cost(self, prompt: int, cached: int, completion: int) -> Cost:
        prices = self._settings.prices
        of_cached = prices.prompt if prices.cached is None else prices.cached
        money = (prompt - cached) * prices.prompt + cached * of_cached + completion * prices.completion
        return Cost(1, prompt + completion, money / 1e6)


def _told(value: float) -> str:
    return f"{round(value, 4):,}"

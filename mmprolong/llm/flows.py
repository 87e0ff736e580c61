"""Run flows: many at once against a chat, one against given answers, or only as far as the ledger knows."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from mmprolong.errors import EndpointError, RequestFailed
from mmprolong.llm.budget import Budget
from mmprolong.llm.ledger import Cost, Ledger, key_of
from mmprolong.llm.requests import Answer, Chat, Flow, Request

T = TypeVar("T")
_AHEAD = 4
"""Flows that are taken up, for each that may run: results wait for those before them."""
_UNANSWERED = 50
"""So many requests in a row without an answer, and the server is taken to be gone."""


def drive(
    flows: Iterable[Flow[T]], chat: Chat, ledger: Ledger, budget: Budget, at_once: int
) -> Iterator[T | RequestFailed]:
    """Yield the results of flows in their order; a flow that ends by a failed request yields that failure.

    A failure is thrown into its flow first, which may run on without the answer. At most `at_once` flows run, and only
    a few more are taken from `flows` than were yielded. Requests are under way only while a result is waited for.

    Raises:
        EndpointError: no request can be answered, or none of the last ones was.
        OverBudget: the next request might cost too much.
        DiskFull: the ledger cannot be written.
    """
    desk = _Desk(chat, ledger, budget)
    left = iter(flows)
    started: deque[asyncio.Task[T | RequestFailed]] = deque()
    free = asyncio.Semaphore(at_once)

    async def run(flow: Flow[T]) -> T | RequestFailed:
        async with free:
            return await desk.result(flow)

    async def first() -> T | RequestFailed:
        try:
            return await started.popleft()
        except Exception:
            await asyncio.gather(*started, return_exceptions=True)  # they are paid for
            raise

    async def take() -> None:
        while len(started) < _AHEAD * at_once and (flow := next(left, None)) is not None:
            started.append(asyncio.create_task(run(flow)))

    with asyncio.Runner() as runner:
        try:
            runner.run(take())
            while started:
                yield runner.run(first())
                runner.run(take())
        finally:
            runner.run(chat.close())


def estimate(flows: Iterable[Flow[Any]], chat: Chat, ledger: Ledger, budget: Budget) -> Cost:
    """Return the most that the next unknown request of each flow may cost; what follows on its answer is not known.

    The flows are used up: give others of the same kind to `drive`.
    """
    total = Cost()
    for flow in flows:
        request = _unknown(flow, chat, ledger)
        if request is not None:
            total = total.plus(budget.most(request, chat.sampling))
    return total


def answer_from(flow: Flow[T], answers: Iterable[str | Answer | RequestFailed]) -> T:
    """Run one flow on given answers, for its tests.

    Raises:
        ValueError: there are fewer answers than requests, or more.
    """
    given = deque(answers)
    try:
        request = next(flow)
        while given:
            answer = given.popleft()
            if isinstance(answer, RequestFailed):
                request = flow.throw(answer)
            else:
                request = flow.send(Answer(text=answer) if isinstance(answer, str) else answer)
    except StopIteration as end:
        if given:
            raise ValueError(f"answers: the flow ended before {list(given)}; give fewer") from end
        return end.value
    raise ValueError(f"answers: none is left for {request}; give more")


class _Desk:
    """Answers the requests of flows: from the ledger, else from the chat."""

    def __init__(self, chat: Chat, ledger: Ledger, budget: Budget) -> None:
        self._chat, self._ledger, self._budget = chat, ledger, budget
        self._asked: dict[str, asyncio.Task[Answer]] = {}
        self._ended: Exception | None = None
        """Why nothing is asked any more."""
        self._unanswered = 0

    async def result(self, flow: Flow[T]) -> T | RequestFailed:
        """Run a flow to its end; an error that is no failure of one request ends the others at their next one."""
        try:
            request = next(flow)
            while True:
                try:
                    answer = await self._answer(request)
                except RequestFailed as failure:
                    request = flow.throw(failure)
                else:
                    request = flow.send(answer)
        except StopIteration as end:
            return end.value
        except RequestFailed as failure:
            return failure
        except Exception as error:
            self._ended = error
            raise

    async def _answer(self, request: Request) -> Answer:
        """Return the known answer, or ask; equal requests under way are one."""
        key = key_of(request, self._chat)
        known = self._ledger.get(key)
        if known is not None:
            return known
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._ask(key, request))
            self._asked[key].add_done_callback(lambda _: self._asked.pop(key))
        return await self._asked[key]

    async def _ask(self, key: str, request: Request) -> Answer:
        if self._ended:
            raise self._ended
        with self._budget.hold(self._budget.most(request, self._chat.sampling)):
            try:
                answer = await self._chat.ask(request)
            except RequestFailed as failure:
                self._unanswered = self._unanswered + 1 if failure.again else 0
                if self._unanswered < _UNANSWERED:
                    raise
                raise EndpointError(
                    f"{self._chat.model}: {_UNANSWERED} requests in a row had no answer, the last: {failure}; "
                    "see whether the server runs, and run again: only what has no answer is asked"
                ) from failure
            self._unanswered = 0
            self._ledger.put(key, answer, self._budget.money(answer))
        return answer


def _unknown(flow: Flow[Any], chat: Chat, ledger: Ledger) -> Request | None:
    """Return the first request of a flow that the ledger has no answer to."""
    try:
        request = next(flow)
        while (answer := ledger.get(key_of(request, chat))) is not None:
            request = flow.send(answer)
    except (StopIteration, RequestFailed):
        return None
    return request

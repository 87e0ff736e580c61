import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmprolong.errors import EndpointError, RequestFailed
from mmprolong.llm.budget import Budget
from mmprolong.llm.chat.scripted import ScriptedChat
from mmprolong.llm.flows import drive
from mmprolong.llm.ledger import Ledger
from mmprolong.llm.requests import Answer, Flow, Request
from mmprolong.settings.llm import Llm
from tests.llm.asking import asking, driven, question


class SlowChat(ScriptedChat):
    """Answers later requests sooner."""

    under_way = most = 0

    async def ask(self, request: Request) -> Answer:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.05 / (1 + len(self.asked)))
        self.under_way -= 1
        return await super().ask(request)


def told(request: Request) -> str:
    return f"about {request.messages[0].text}"


def test_results_come_in_the_order_of_the_flows_and_a_rerun_asks_nothing(tmp_path: Path):
    chat = SlowChat(told)
    texts = [(f"q{number}", f"r{number}") for number in range(20)]
    results = driven([asking(*pair) for pair in texts], chat, tmp_path)
    assert results == [f"about {first} | about {second}" for first, second in texts]
    assert (len(chat.asked), chat.most) == (40, 4)
    assert driven([asking(*pair) for pair in texts], ScriptedChat([]), tmp_path) == results


def test_flows_are_taken_only_a_little_ahead(tmp_path: Path):
    taken = []

    def many() -> Iterator[Flow[str]]:
        for number in range(10_000):
            taken.append(number)
            yield asking(f"q{number}")

    ledger = Ledger(tmp_path, "scripted")
    results = drive(many(), ScriptedChat(told), ledger, Budget(Llm(), ledger), 2)
    assert [next(results) for _ in range(3)] == ["about q0", "about q1", "about q2"]
    results.close()
    assert len(taken) < 20


def test_equal_requests_under_way_are_one(tmp_path: Path):
    chat = SlowChat(told)
    assert driven([asking("same") for _ in range(4)], chat, tmp_path) == ["about same"] * 4
    assert len(chat.asked) == 1


def test_draws_are_requests_of_their_own(tmp_path: Path):
    def drawing(draw: int) -> Flow[str]:
        return (yield question("same", draw)).text

    chat = ScriptedChat(["one", "two"])
    assert driven([drawing(0), drawing(1), drawing(0)], chat, tmp_path, at_once=1) == ["one", "two", "one"]


def test_a_failed_request_is_the_result_of_its_flow_alone(tmp_path: Path):
    failure = RequestFailed("no answer: 500", again=True)
    chat = ScriptedChat(lambda request: failure if "q1" in told(request) else told(request))
    flows = [asking("q0"), asking("q1", "q2"), asking("q3")]
    assert driven(flows, chat, tmp_path) == ["about q0", failure, "about q3"]
    better = ScriptedChat(told)
    assert driven([asking("q0"), asking("q1", "q2")], better, tmp_path) == ["about q0", "about q1 | about q2"]
    assert [request.messages[0].text for request in better.asked] == ["q1", "q2"]


def test_an_error_of_our_code_ends_all_and_keeps_what_was_paid_for(tmp_path: Path):
    def broken() -> Flow[str]:
        yield question("q")
        raise KeyError("a bug")

    chat = SlowChat(told)
    with pytest.raises(KeyError):
        driven([broken(), *(asking(f"q{number}", "r", "s", "t") for number in range(50))], chat, tmp_path)
    assert len(chat.asked) == Ledger(tmp_path, chat.model).spent.calls < 20


def test_a_server_that_is_gone_ends_all(tmp_path: Path):
    chat = ScriptedChat(lambda request: RequestFailed("no answer: no connection", again=True))
    with pytest.raises(EndpointError, match="50 requests in a row"):
        driven([asking(f"q{number}") for number in range(200)], chat, tmp_path)
    assert len(chat.asked) < 60
    useless = ScriptedChat(lambda request: RequestFailed("request refused: 400"))
    assert len(driven([asking(f"q{number}") for number in range(200)], useless, tmp_path)) == 200


def test_no_flows_have_no_results(tmp_path: Path):
    assert driven([], ScriptedChat([]), tmp_path) == []

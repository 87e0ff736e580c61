from pathlib import Path

import pytest

from mmprolong.conversations import Message, Pages, Text, Video
from mmprolong.errors import ConfigError, OverBudget
from mmprolong.llm.budget import Budget
from mmprolong.llm.chat.scripted import ScriptedChat
from mmprolong.llm.flows import estimate
from mmprolong.llm.ledger import Cost, Ledger
from mmprolong.llm.requests import Answer, Request
from mmprolong.settings.llm import Limits, Llm, Prices
from tests.llm.asking import GREEDY, asking, driven


def test_a_price_is_of_a_million_tokens_and_cached_ones_may_be_cheaper(tmp_path: Path):
    answer = Answer(text="", prompt_tokens=100, cached_tokens=40, completion_tokens=10)
    money = [
        Budget(Llm(prices=prices), Ledger(tmp_path, "m")).money(answer)
        for prices in (Prices(2, 1, 8), Prices(2, None, 8), Prices())
    ]
    assert money == pytest.approx([240e-6, 280e-6, 0])


def test_an_estimate_counts_every_image_and_the_longest_answer(tmp_path: Path):
    settings = Llm(image_tokens=1000, prices=Prices(1, 1, 2))
    pages = Pages("pdf:a", 0, 3)
    parts = (Text("x" * 30), pages, Video(tuple(pages.images()), 1.0))
    asked = Request(messages=(Message("user", parts),))
    cost = Budget(settings, Ledger(tmp_path, "m")).most(asked, GREEDY)
    assert cost == Cost(1, 8010 + 100, pytest.approx((8010 + 200) / 1e6))


def test_money_is_not_limited_without_prices(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"set llm\.prices"):
        Budget(Llm(budget=Limits(money=1.0)), Ledger(tmp_path, "m"))


def test_an_estimate_is_of_what_the_ledger_does_not_know(tmp_path: Path):
    chat = ScriptedChat(lambda request: Answer(text="yes", prompt_tokens=1, completion_tokens=1))
    driven([asking("a"), asking("b")], chat, tmp_path)
    ledger = Ledger(tmp_path, chat.model)
    budget = Budget(Llm(), ledger)
    known = estimate([asking("a"), asking("b")], chat, ledger, budget)
    coming = estimate([asking("a", "c"), asking("d", "e")], chat, ledger, budget)
    assert (known, coming.calls, len(chat.asked)) == (Cost(), 2, 2)


@pytest.mark.parametrize("limits", [Limits(calls=3), Limits(tokens=4000), Limits(money=4000.0)])
def test_no_request_goes_out_that_might_cost_more_than_is_left(tmp_path: Path, limits: Limits):
    chat = ScriptedChat(lambda request: Answer(text="yes", prompt_tokens=700, completion_tokens=70))
    flows = [asking(f"q{number}") for number in range(9)]
    with pytest.raises(OverBudget, match=r"(calls: 3 of 3|tokens: 2,310 of 4,000|money: 2,310.0 of 4,000.0) are"):
        driven(flows, chat, tmp_path, at_once=1, limits=limits)
    assert len(chat.asked) == 3


def test_what_was_spent_before_counts_and_what_is_known_is_free(tmp_path: Path):
    chat = ScriptedChat(lambda request: "yes")
    driven([asking("a"), asking("b")], chat, tmp_path)
    assert driven([asking("b"), asking("a")], chat, tmp_path, limits=Limits(calls=2)) == ["yes", "yes"]
    with pytest.raises(OverBudget, match="2 of 2 are spent"):
        driven([asking("c")], chat, tmp_path, limits=Limits(calls=2))
    assert len(chat.asked) == 2


def test_what_other_processes_spend_meanwhile_counts(tmp_path: Path):
    ledger = Ledger(tmp_path, "m")
    budget = Budget(Llm(budget=Limits(calls=1)), ledger)
    budget.refuse(Cost(1))
    Ledger(tmp_path, "m").put("a", Answer(text=""), 0.0)
    ledger.refresh()
    with pytest.raises(OverBudget):
        budget.refuse(Cost(1))

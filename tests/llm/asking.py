"""Flows for tests, and a process that drives N of them against a server: `python -m tests.llm.asking STORE URL N`."""

import sys
from pathlib import Path

from mmprolong.conversations import Message, Text
from mmprolong.errors import RequestFailed
from mmprolong.llm.budget import Budget
from mmprolong.llm.chat.openai import OpenAIChat
from mmprolong.llm.flows import drive
from mmprolong.llm.ledger import Ledger
from mmprolong.llm.requests import Chat, Flow, Request
from mmprolong.settings.llm import Limits, Llm, Prices, Sampling

GREEDY = Sampling(temperature=0.0, max_tokens=100)


def question(text: str, draw: int = 0) -> Request:
    return Request(messages=(Message("user", (Text(text),)),), draw=draw)


def asking(*texts: str) -> Flow[str]:
    """Ask one thing after the other; join the answers."""
    said = []
    for text in texts:
        said.append((yield question(text)).text)
    return " | ".join(said)


def settings(url: str = "", **changed: object) -> Llm:
    return Llm(model="tiny", sampling=GREEDY, base_url=url, **{"retries": 0, "timeout": 10.0, **changed})


def driven(
    flows: list[Flow[str]], chat: Chat, store: Path, at_once: int = 4, limits: Limits | None = None
) -> list[str | RequestFailed]:
    ledger = Ledger(store, chat.model)
    prices = Prices(prompt=1e6, completion=1e6)
    budget = Budget(Llm(prices=prices, budget=limits or Limits()), ledger)
    return list(drive(flows, chat, ledger, budget, at_once))


if __name__ == "__main__":
    store, url, count = sys.argv[1:]
    chat = OpenAIChat(settings(url))
    for result in driven([asking(f"q{number}") for number in range(int(count))], chat, Path(store), at_once=3):
        print(result, flush=True)

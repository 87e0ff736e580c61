import base64
import io
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from mmprolong.conversations import Image, Message, Pages, Text
from mmprolong.errors import ConfigError, DataError, EndpointError, RequestFailed
from mmprolong.llm.chat.openai import OpenAIChat, data_url
from mmprolong.llm.requests import Answer, Flow, Request, structured
from mmprolong.settings.llm import Sampling
from tests.llm.asking import asking, driven, question, settings
from tests.llm.server import Body, Response, echo, planned, serving
from tests.llm.test_requests import GOOD, VERDICT, Verdict

SOON = {"retry-after": "0.01"}
"""Seconds; the client waits as long as it is told, else half a second at least."""


def page(image: Image) -> np.ndarray:
    if image.index > 5:
        raise DataError(f"image {image}: no such page")
    return np.full((4, 6, 3), image.index, np.uint8)


def one(request: Request) -> Flow[Answer]:
    return (yield request)


def test_a_request_is_sent_as_it_is_and_its_answer_says_what_it_took(tmp_path: Path):
    parts = (Text("Page 3:"), Pages("pdf:a", 2, 3), Text("why?"))
    asked = Request(messages=(Message("system", (Text("Be short."),)), Message("user", parts)), draw=2)
    extra = {"reasoning_effort": "low", "max_tokens": None}
    with serving(planned(Response("because"))) as server:
        chat = OpenAIChat(settings(server.url), page)
        chat.sampling = Sampling(temperature=0.5, seed=7, extra=extra)
        (answer,) = driven([one(asked)], chat, tmp_path)
    assert answer == Answer(
        text="because", prompt_tokens=10, cached_tokens=4, completion_tokens=3, model="tiny-1", finish="stop"
    )
    (body,) = server.bodies
    system, user = body.pop("messages")
    assert system == {"role": "system", "content": "Be short."}
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "image_url", "text"]
    assert body == {"model": "tiny", "temperature": 0.5, "seed": 9, "reasoning_effort": "low"}


@pytest.mark.parametrize(("jpeg", "kind", "close"), [(0, "png", 0), (95, "jpeg", 8)])
def test_pixels_arrive_as_they_were_drawn(jpeg: int, kind: str, close: int):
    drawn = np.linspace(0, 255, 16 * 24 * 3).reshape(16, 24, 3).astype(np.uint8)
    for pixels in (drawn, drawn[..., 0]):
        head, _, data = data_url(pixels, jpeg).partition(",")
        seen = np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(data))))
        assert head == f"data:image/{kind};base64"
        assert np.abs(seen.astype(int) - pixels).max() <= close


def test_a_server_that_may_read_files_is_given_their_paths(tmp_path: Path):
    asked = Request(messages=(Message("user", (Pages("pdf:a", 2, 3), Image("pdf:a", 2))),))
    with serving(planned(Response("a"), Response("b"))) as server:
        llm = settings(server.url, image_folder=str(tmp_path / "media"))
        for view in ("144 dpi", "72 dpi"):
            driven([one(asked)], OpenAIChat(llm, page, view), tmp_path / view)
    urls = [part["image_url"]["url"] for body in server.bodies for part in body["messages"][0]["content"]]
    paths = [Path(url.removeprefix("file://")) for url in urls]
    assert paths[0] == paths[2] and len(set(paths)) == 4, "another view is another file"
    assert [int(np.asarray(PIL.Image.open(path)).max()) for path in paths[:2]] == [2, 3]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_passes_is_asked_again_when_the_server_says(tmp_path: Path, status: int):
    later = Response("later", status, SOON)
    with serving(planned(later, later, Response("now"))) as server:
        assert driven([asking("q")], OpenAIChat(settings(server.url, retries=2)), tmp_path) == ["now"]
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("response", "reason", "again"),
    [
        (Response("busy", 429, SOON), "no answer: 429", True),
        (Response("broken", 500, SOON), "no answer: 500", True),
        (Response("too long", 400), "request refused: 400", False),
        (Response(raw=b'{"id": "x", "cho'), "no answer: not a chat completion", True),
        (Response(raw=b'{"error": "asleep"}'), "no answer: not a chat completion", True),
        (Response(raw=b'{"choices": []}'), "no answer: not a chat completion", True),
        (Response("", headers={"Content-Length": "9999", "Connection": "close"}), "no answer: no connection", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_without_an_answer_is_one_failed_item(tmp_path: Path, response: Response, reason: str, again: bool):
    def respond(body: Body, number: int) -> Response:
        return response if body["messages"][0]["content"] == "bad" else echo(body, number)

    with serving(respond) as server:
        flows = [asking("a"), asking("bad"), asking("b")]
        good, failure, last = driven(flows, OpenAIChat(settings(server.url)), tmp_path)
    assert (good, last) == ("about a", "about b")
    assert isinstance(failure, RequestFailed) and (failure.reason, failure.again) == (reason, again)


def test_an_answer_that_comes_too_late_is_a_failed_item(tmp_path: Path):
    late = threading.Event()
    with serving(planned(Response("late", after=late))) as server:
        (failure,) = driven([asking("a")], OpenAIChat(settings(server.url, timeout=0.2)), tmp_path)
        late.set()
    assert isinstance(failure, RequestFailed) and (failure.reason, failure.again) == ("no answer: timed out", True)


def test_an_answer_that_drips_in_is_given_up(tmp_path: Path):
    with serving(planned(Response("slow", pause=0.02))) as server:
        (failure,) = driven([asking("a")], OpenAIChat(settings(server.url, timeout=0.5)), tmp_path)
    assert isinstance(failure, RequestFailed) and failure.reason == "no answer: timed out"


def test_a_server_that_is_not_there_fails_every_item(tmp_path: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        chat = OpenAIChat(settings(f"http://127.0.0.1:{free.getsockname()[1]}/v1"))
        results = driven([asking("a"), asking("b")], chat, tmp_path)
    assert [result.reason for result in results if isinstance(result, RequestFailed)] == [
        "no answer: no connection"
    ] * 2


def test_a_page_that_cannot_be_drawn_is_one_failed_item(tmp_path: Path):
    def shown(index: int) -> Flow[str]:
        return (yield Request(messages=(Message("user", (Image("pdf:a", index),)),))).text

    with serving(planned(Response("seen"))) as server:
        failure, seen = driven([shown(6), shown(5)], OpenAIChat(settings(server.url), page), tmp_path)
    assert (str(failure), seen) == (f"image cannot be drawn: image {Image('pdf:a', 6)}: no such page", "seen")


@pytest.mark.parametrize(("status", "look"), [(401, "the key"), (403, "what the key"), (404, "the address")])
def test_a_wrong_key_or_model_ends_all_and_shows_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, look: str
):
    monkeypatch.setenv("TINY_KEY", "sk-secret")
    with serving(lambda body, number: Response("not with sk-secret", status)) as server:
        chat = OpenAIChat(settings(server.url, key_variable="TINY_KEY"))
        with pytest.raises(EndpointError, match=rf"'tiny': .*{status}.*not with \[key\].*; see to {look}") as caught:
            driven([asking(f"q{number}") for number in range(40)], chat, tmp_path)
    assert "sk-secret" not in str(caught.value)
    assert set(server.keys) == {"Bearer sk-secret"} and len(server.bodies) <= 4


def test_a_key_that_is_not_set_is_told_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TINY_KEY", raising=False)
    with pytest.raises(ConfigError, match=r"llm\.key_variable: TINY_KEY is not set"):
        OpenAIChat(settings(key_variable="TINY_KEY"))


def test_half_an_answer_fails_and_a_wrong_one_is_mended(tmp_path: Path):
    def judging(text: str) -> Flow[Verdict]:
        return structured(question(text), Verdict)

    def respond(body: Body, number: int) -> Response:
        if body["messages"][0]["content"] == "long":
            return Response(GOOD[:20], finish="length")
        return Response(GOOD if len(body["messages"]) > 1 else GOOD[:20])

    with serving(respond) as server:
        half, mended = driven([judging("long"), judging("odd")], OpenAIChat(settings(server.url)), tmp_path)
    assert isinstance(half, RequestFailed) and half.reason == "answer ends by length"
    assert mended == VERDICT and len(server.bodies) == 3
    assert server.bodies[0]["response_format"]["json_schema"]["schema"]["type"] == "object"


def test_no_more_requests_are_under_way_than_are_allowed(tmp_path: Path):
    full = threading.Event()

    def respond(body: Body, number: int) -> Response:
        if number == 4:
            full.set()
        return Response("yes", after=full)

    with serving(respond) as server:
        driven([asking(f"q{number}") for number in range(12)], OpenAIChat(settings(server.url)), tmp_path, at_once=5)
    assert server.most == 5


def test_after_a_kill_only_what_has_no_answer_is_asked(tmp_path: Path):
    released = threading.Event()

    def respond(body: Body, number: int) -> Response:
        return Response(echo(body, number).text, after=released if 5 <= number < 8 else None)

    with serving(respond) as server:
        command = [sys.executable, "-m", "tests.llm.asking", str(tmp_path), server.url, "12"]
        killed = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with server.arrived:
            assert server.arrived.wait_for(lambda: len(server.bodies) == 8, timeout=60)  # 5 answered, 3 under way
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        released.set()
        results = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        asked = [body["messages"][0]["content"] for body in server.bodies]
    assert results == [f"about q{number}" for number in range(12)]
    assert len(asked) == 8 + 7 and len(set(asked[:5])) == 5
    assert sorted(asked[8:]) == sorted({f"q{number}" for number in range(12)} - set(asked[:5]))


def test_requests_and_chats_are_imported_without_the_client():
    code = "import sys, mmprolong.llm.flows, mmprolong.llm.chat.openai; sys.exit('openai' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

"""Engines that compute elsewhere: the same prompts and pixels as in this process, and nothing lost by faults."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from transformers import AutoImageProcessor, AutoTokenizer

from mmprolong.conversations import Image, Message, Pages, Text
from mmprolong.errors import ConfigError, DataError, RequestFailed
from mmprolong.evaluation.engines import Subject
from mmprolong.evaluation.engines.endpoint import Endpoint, ServerReplies
from mmprolong.evaluation.engines.vllm import VLLM
from mmprolong.evaluation.serving import limits_of, serve_command
from mmprolong.models.backbone import encode
from mmprolong.records import Gold, Reject, Reply, Sample
from mmprolong.settings.data import Source
from mmprolong.settings.knobs import Model, Rope, View
from mmprolong.settings.llm import Llm
from tests.llm.server import Body, Response, Server, echo, serving
from tests.models import tiny
from tests.tiny_run import finish, tiny_config

IMAGES, VIEW, LIMIT = tiny.Drawn(), replace(tiny.SMALL, page_index=True), 4


def sample(name: str, *parts: Text | Image | Pages, begun: str = "", cluster: str = "c") -> Sample:
    prompt = (Message("user", parts), *([Message("assistant", (Text(begun),))] if begun else []))
    return Sample(id=name, benchmark="b", task="t", length="1x", cluster=cluster, prompt=prompt, gold=Gold(""))


PAGES = (Pages("pdf:300x410", 0, 1), Image("pdf:56x84"))
QUESTIONS = [sample(key, *PAGES, Text(f"What does {key} say?")) for key in "ABCD"]


def asking(server: Server, store: Path, model: Model | None = None, view: View = VIEW, **llm: object) -> ServerReplies:
    settings = Llm(**{"model": "tiny", "base_url": server.url, "retries": 0, "at_once": 2, **llm})  # pyright: ignore
    return Endpoint().start(Subject(model or Model(), endpoint=settings, store=store), IMAGES, view, LIMIT)


def answered(engine: ServerReplies, samples: Sequence[Sample]) -> list[Reply | RequestFailed]:
    return [each for batch in engine.batches(samples) if not isinstance(batch, Reject) for each in engine.answer(batch)]


@pytest.mark.parametrize("kind", ["qwen2_5_vl", "qwen3_vl"])
def test_all_engines_are_given_the_same_tokens_and_pixels(kind: str, tmp_path: Path):
    """What a server makes of our messages by the model's own template and processor is what is read in this process."""
    folder = tmp_path / "model"
    model = Model(backbone=kind, path=tiny.write_model(kind, folder))
    backbone = Subject(model).backbone
    ours = encode(backbone, QUESTIONS[0].prompt, IMAGES, VIEW, answer=True)

    def count(body: Body, _: int) -> Response:
        answer = json.loads(Response("yes").content())
        answer["usage"]["prompt_tokens"] = len(ours)
        return Response(raw=json.dumps(answer).encode())

    with serving(count) as server:
        (reply,) = answered(asking(server, tmp_path, model), QUESTIONS[:1])
    assert isinstance(reply, Reply) and reply.prompt_tokens == len(ours)
    (message,) = server.bodies[0]["messages"]
    urls = [part["image_url"]["url"] for part in message["content"] if part["type"] == "image_url"]
    sent = [PIL.Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]
    parts = [part if part["type"] == "text" else {"type": "image"} for part in message["content"]]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    turns = [{"role": "user", "content": parts}]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True, return_dict=False)
    size = {"shortest_edge": VIEW.min_pixels, "longest_edge": 10**7}
    grids = AutoImageProcessor.from_pretrained(folder)(images=sent, size=size, return_tensors="np")["image_grid_thw"]
    assert grids.tolist() == ours.grids.tolist(), "nothing is resized again"

    given = VLLM().start(Subject(model), IMAGES, VIEW, LIMIT).prompt(QUESTIONS[0], tmp_path)
    assert given["ids"] == list(ids)
    for file, picture in zip(given["images"], sent, strict=True):
        assert (np.load(file) == np.array(picture)).all()
    counts = iter(ours.spans[:, 1] - ours.spans[:, 0])
    expanded = [each for one in ids for each in [one] * (next(counts) if one == backbone.image_token else 1)]
    assert expanded == ours.ids.tolist()


def test_a_server_that_counts_other_tokens_is_refused(tmp_path: Path):
    model = Model(backbone="qwen2_5_vl", path=tiny.write_model("qwen2_5_vl", tmp_path / "model"))
    with serving(echo) as server, pytest.raises(DataError, match=r"A: http.* counts 10 tokens of the prompt, \d+ by"):
        answered(asking(server, tmp_path, model), QUESTIONS[:1])


def test_the_first_question_on_a_document_is_answered_before_the_others_are_asked(tmp_path: Path):
    other = [sample(f"other-{key}", Pages("pdf:300x410", 5, 7), Text(f"Where is {key}?"), cluster="d") for key in "AB"]
    with serving(echo) as server:
        engine = asking(server, tmp_path, at_once=8)
        (batch,) = engine.batches([*QUESTIONS, *other])
        assert not isinstance(batch, Reject)
        engine.answer(batch)
    assert [len(wave) for wave in batch.waves] == [2, 4]
    asked = [body["messages"][0]["content"][-1]["text"] for body in server.bodies[:2]]
    assert sorted(asked) == ["What does A say?", "Where is A?"]
    assert all(each.cached % 16 == 0 and each.cached > 0 for each in batch.waves[1])
    assert not any(each.cached for each in batch.waves[0])


def test_what_is_answered_once_is_asked_no_more_and_faults_are_of_their_question_alone(tmp_path: Path):
    def faulty(body: Body, number: int) -> Response:
        text = body["messages"][0]["content"][-1]["text"]
        return Response("busy", 429) if " B " in text else Response("too long", 400) if " C " in text else echo(body, 0)

    with serving(faulty) as server:
        first = answered(asking(server, tmp_path), QUESTIONS)
    assert [isinstance(each, Reply) for each in first] == [True, False, False, True]
    assert [each.again for each in first if isinstance(each, RequestFailed)] == [True, False]
    with serving(echo) as server:
        again = answered(asking(server, tmp_path), QUESTIONS)
    assert len(server.bodies) == 2
    assert all(isinstance(each, Reply) and each.cached_tokens == 4 for each in again)


@pytest.mark.parametrize("continues", [True, False])
def test_a_begun_reply_is_continued_or_left_out(continues: bool, tmp_path: Path):
    with serving(lambda body, _: Response("42")) as server:
        answered(asking(server, tmp_path, continues=continues), [sample("s", Text("Which?"), begun="Answer:")])
    (body,) = server.bodies
    assert body.get("continue_final_message", False) is continues
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"][: 1 + continues]
    assert (body["temperature"], body["max_tokens"]) == (0, LIMIT)


def test_vllm_is_started_with_the_limits_of_the_plan():
    model = Model(path="Qwen/Q", dtype="bfloat16")
    engine = Endpoint().start(Subject(Model(), endpoint=Llm(model="tiny")), IMAGES, VIEW, LIMIT)
    batches = [each for each in engine.batches(QUESTIONS) if not isinstance(each, Reject)]
    limits = limits_of(batches, LIMIT)
    assert limits.images == 3
    assert limits.context == max(each.tokens for batch in batches for each in batch.asked) + LIMIT
    command = serve_command(limits, model, View(max_pixels=10**6), "q")
    assert f"--max-model-len {limits.context}" in command
    assert (
        """--limit-mm-per-prompt '{"image": 3, "video": 0}' --mm-processor-kwargs '{"max_pixels": 1000000}'"""
        in command
    )


def test_rotary_positions_of_the_suite_are_refused_where_they_would_be_ignored():
    subject = Subject(Model(path="m"), endpoint=Llm(model="m"), rope=Rope(factor=4.0))
    for choice in (VLLM(), Endpoint()):
        with pytest.raises(ConfigError, match=r"suite.rope.factor: 4"):
            choice.start(subject, IMAGES, VIEW, LIMIT)


def test_a_step_keeps_what_a_server_has_answered_and_asks_the_rest_again(tmp_path: Path):
    config = tiny_config(tmp_path)
    config.view.thumbnail, config.sources = (
        0,
        {"heldout": Source(writer="template", split="heldout", tasks=["ocr_full"])},
    )
    config.view.dpi, config.selection.heldout = 20, 1.0
    config.suite.benchmarks["heldout"].scorer = "exact_match"
    config.suite.engine, config.suite.endpoint = "endpoint", "server"

    def busy_once(body: Body, number: int) -> Response:
        return Response("busy", 429) if number == 1 else Response("too long", 400) if number == 0 else Response("page")

    with serving(busy_once) as server:
        config.llms = {"server": Llm(model="tiny", base_url=server.url, retries=0, at_once=1)}
        with pytest.raises(DataError, match=r"1 of \d+ questions have no reply, the first: .*429: .*run again"):
            finish(config, "reply.heldout")
        asked = len(server.bodies)
        record = finish(config, "reply.heldout")
    assert len(server.bodies) - asked == 2
    assert record.metrics["n"] == asked
    assert record.metrics["endpoint"] == "tiny"

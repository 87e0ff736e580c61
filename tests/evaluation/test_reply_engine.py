"""The engine that answers in this process: what prompts share is read once, and the replies are plain ones."""

from collections.abc import Sequence

import pytest
import torch
from transformers import AutoModelForImageTextToText

from mmprolong import plugins
from mmprolong.conversations import Conversation, Image, Message, Pages, Text
from mmprolong.evaluation.engines import ReplyEngine
from mmprolong.evaluation.shared_prefix import group_prompts, reduce_prompt
from mmprolong.models.backbone import Backbone, encode
from mmprolong.models.encoding import Encoded
from mmprolong.models.network import Network
from mmprolong.records import Gold, Reject, Reply, Sample
from tests.models import tiny

IMAGES, VIEW, LIMIT = tiny.Drawn(), tiny.SMALL, 6
KEYS = "ABCDEF"


@pytest.fixture(scope="module", params=plugins.names_in("mmprolong.models.backbones"))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Backbone, Network]:
    backbone, network = tiny.loaded(request.param, tmp_path_factory.mktemp("model"))
    network.module.double()  # the two greatest logits of a random model may lie 1e-4 apart
    return backbone, network


def sample(name: str, *prompt: Message) -> Sample:
    return Sample(id=name, benchmark="b", task="t", length="1x", cluster="c", prompt=prompt, gold=Gold(""))


def user(*parts: Text | Image | Pages) -> Message:
    return Message("user", parts)


def questions() -> list[Sample]:
    """Prompts of every order, mixed."""
    short, long = (Pages("pdf:56x56", 0, 3), Image("pdf:112x84")), (Pages("pdf:56x56", 4, 12),)
    system = Message("system", (Text("read"),))
    begun = Message("assistant", (Text("A 3"),))
    samples = []
    for number, key in enumerate(KEYS):
        find = Text(f"find {key}" if number % 2 else f"list {key} :")
        samples += [
            sample(f"short-{key}", user(*short, find)),
            sample(f"long-{key}", user(*long, find)),
            sample(f"system-{key}", system, user(*short, find)),
            sample(f"question-first-{key}", user(find, *short)),
            sample(f"images-after-{key}", user(*long, Text("read :"), Image("pdf:56x112", number), find)),
            sample(f"text-{key}", user(find)),
            sample(f"begun-{key}", user(*short, find), begun),
            sample(f"turns-{key}", user(*long, Text("find F")), Message("assistant", (Text("4"),)), user(find)),
        ]
    return samples


def engine(model: tuple[Backbone, Network], batch_tokens: int = 8192) -> ReplyEngine:
    choice = {"name": "transformers", "batch_tokens": batch_tokens}
    made = plugins.make("mmprolong.evaluation.engines", choice, "suite.engine")
    return made.start(model[1], model[0], IMAGES, VIEW, LIMIT)


def answered(answering: ReplyEngine, samples: Sequence[Sample]) -> dict[str, Reply]:
    found = {}
    for batch in answering.batches(samples):
        assert not isinstance(batch, Reject)
        replies = answering.answer(batch)
        assert tuple(reply.sample for reply in replies) == batch.samples
        found |= {reply.sample: reply for reply in replies}
    return found


@pytest.fixture(scope="module")
def plain(model: tuple[Backbone, Network], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """What transformers' own `generate` writes to each prompt alone, from the exported model."""
    backbone, network = model
    folder = tmp_path_factory.mktemp("exported")
    network.export(folder)
    other = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float64).eval()
    found = {}
    for each in questions():
        prompt = encoded(backbone, each.prompt)
        images = tiny.stock_pixels(folder, IMAGES, prompt.images) if prompt.images else {}
        asked = torch.from_numpy(prompt.ids)[None]
        kinds = (asked == backbone.image_token).int()
        ids = other.generate(
            input_ids=asked,
            attention_mask=torch.ones_like(asked),
            mm_token_type_ids=kinds,
            max_new_tokens=LIMIT,
            do_sample=False,
            eos_token_id=list(backbone.end),
            **images,
        )
        found[each.id] = ids[0, len(prompt) :].tolist()
    return found


def encoded(backbone: Backbone, prompt: Conversation) -> Encoded:
    return encode(backbone, prompt, IMAGES, VIEW, answer=True)


@pytest.mark.parametrize("batch_tokens", [1, 150, 8192])
def test_replies_with_a_shared_prefix_are_those_of_plain_generate(
    model: tuple[Backbone, Network], plain: dict[str, list[int]], batch_tokens: int
):
    """One question at a time, some together, all together."""
    backbone, _ = model
    replies = answered(engine(model, batch_tokens), questions())
    assert replies.keys() == plain.keys()
    for each in questions():
        reply, ids = replies[each.id], plain[each.id]
        assert (reply.text, reply.reply_tokens) == (backbone.decode(ids), len(ids)), each.id
        assert reply.cut == (ids[-1] not in backbone.end)
        assert reply.prompt_tokens == len(encoded(backbone, each.prompt))
    assert len({reply.text for reply in replies.values()}) > len(replies) / 4


def test_batches_are_the_same_in_every_attempt(model: tuple[Backbone, Network]):
    first, again = (list(engine(model, 150).batches(questions())) for _ in range(2))
    assert first == again
    assert len(first) > 3


def test_a_prompt_that_cannot_be_asked_is_a_reject(model: tuple[Backbone, Network]):
    wrong = sample("thin", user(Image("pdf:3x700"), Text("find A")))
    found = list(engine(model).batches([wrong, questions()[0]]))
    (reject,) = (each for each in found if isinstance(each, Reject))
    assert (reject.what, reject.reason) == ("thin", "prompt refused")
    assert "pdf:3x700" in reject.detail
    assert [each.samples for each in found if not isinstance(each, Reject)] == [("short-A",)]


def grouped(backbone: Backbone, *prompts: Message) -> list[tuple[tuple[int, ...], int]]:
    numbers: dict[Image, int] = {}
    reduced = [reduce_prompt(n, encoded(backbone, (each,)), numbers) for n, each in enumerate(prompts)]
    return sorted((group.prompts, group.prefix) for group in group_prompts(reduced))


def test_a_document_is_read_once_whatever_the_order_of_its_questions(model: tuple[Backbone, Network]):
    backbone, _ = model
    one, other = Pages("pdf:56x56", 0, 5), Pages("pdf:56x56", 6, 11)
    find = [Text(f"find {key}") for key in KEYS]
    prompts = [user(one, find[0]), user(other, find[1]), user(one, find[2]), user(other, find[3])]
    ((first, prefix), (second, _)) = grouped(backbone, *prompts)
    assert (first, second) == ((0, 2), (1, 3))
    ids = encoded(backbone, (prompts[0],)).ids
    assert (ids[:prefix] == encoded(backbone, (prompts[2],)).ids[:prefix]).all()
    assert ids[prefix] != encoded(backbone, (prompts[2],)).ids[prefix]


def test_pages_that_differ_end_a_prefix_though_their_tokens_are_equal(model: tuple[Backbone, Network]):
    backbone, _ = model
    shared, last = Pages("pdf:56x56", 0, 5), (Image("pdf:56x56", 6), Image("pdf:56x56", 7))
    prompts = [user(shared, page, Text("find A")) for page in last]
    ((_, prefix),) = grouped(backbone, *prompts)
    assert prefix == encoded(backbone, (prompts[0],)).spans[-1, 0]


def test_a_stamp_makes_another_page(model: tuple[Backbone, Network]):
    pages = [Pages("pdf:56x56", 0, 19, (first, *["B8"] * 19)) for first in ("A7", "A8")]
    assert len(grouped(model[0], *(user(each, Text("find A")) for each in pages))) == 2


def test_little_that_is_shared_is_not_read_apart(model: tuple[Backbone, Network]):
    document = Pages("pdf:56x56", 0, 5)
    prompts = [user(Text(f"find {key}"), document) for key in KEYS]
    assert [group for group, _ in grouped(model[0], *prompts)] == [(n,) for n in range(len(KEYS))]


def test_documents_within_documents_are_grouped_where_most_is_shared(model: tuple[Backbone, Network]):
    """Two books with six pages in common, three questions each: each book is read once."""
    books = [(Pages("pdf:56x56", 0, 5), Pages("pdf:56x56", n, n + 3)) for n in (10, 20)]
    prompts = [user(*book, Text(f"find {key}")) for key in KEYS[:3] for book in books]
    assert [group for group, _ in grouped(model[0], *prompts)] == [(0, 2, 4), (1, 3, 5)]


def test_a_lone_prompt_keeps_its_last_token(model: tuple[Backbone, Network]):
    prompt = user(Pages("pdf:56x56", 0, 5), Text("find A"))
    assert grouped(model[0], prompt) == [((0,), len(encoded(model[0], (prompt,))) - 1)]

"""The engine that answers in this process: what prompts share is read once, and the replies are plain ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText

from mmprolong import plugins
from mmprolong.conversations import Conversation, Image, Message, Pages, Text
from mmprolong.errors import FeasibilityError
from mmprolong.evaluation.decoding import copy_rows, next_logits, read
from mmprolong.evaluation.engines import Asked, ReplyEngine, Subject
from mmprolong.evaluation.engines.transformers import InProcess, Transformers
from mmprolong.evaluation.shared_prefix import Prompts, group_prompts
from mmprolong.models.backbone import Backbone, encode
from mmprolong.models.encoding import Encoded
from mmprolong.models.network import collate_rows
from mmprolong.records import Gold, Reject, Reply, Sample
from mmprolong.settings.knobs import Model
from tests.models import tiny

IMAGES, VIEW, LIMIT = tiny.Drawn(), tiny.SMALL, 6
KEYS = "ABCDEF"


@pytest.fixture(scope="module", params=plugins.names_in("mmprolong.models.backbones"))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """In float64: the two greatest logits of a random model may lie 1e-4 apart."""
    folder = tmp_path_factory.mktemp("model")
    tiny.loaded(request.param, folder / "made")[1].export(folder / "exported")
    return Subject(Model(backbone=request.param, path=str(folder / "exported"), dtype="float64"))


@pytest.fixture(scope="module")
def backbone(subject: Subject) -> Backbone:
    return subject.backbone


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


def engine(subject: Subject, limit: int = LIMIT, **options: float) -> InProcess:
    return Transformers(**options).start(subject, IMAGES, VIEW, limit)


def answered(answering: ReplyEngine, samples: Sequence[Sample]) -> dict[str, Reply]:
    found = {}
    for batch in answering.batches(samples):
        assert not isinstance(batch, Reject)
        replies = [each for each in answering.answer(batch) if isinstance(each, Reply)]
        assert [reply.sample for reply in replies] == [each.sample.id for each in batch.asked]
        assert [reply.prompt_tokens for reply in replies] == [each.tokens for each in batch.asked]
        found |= {reply.sample: reply for reply in replies}
    return found


@pytest.fixture(scope="module")
def plain(subject: Subject, backbone: Backbone) -> dict[str, list[int]]:
    """What transformers' own `generate` writes to each prompt alone, from the exported model."""
    folder = Path(subject.model.path)
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
    subject: Subject, backbone: Backbone, plain: dict[str, list[int]], batch_tokens: int
):
    """One question at a time, some together, all together."""
    replies = answered(engine(subject, batch_tokens=batch_tokens), questions())
    assert replies.keys() == plain.keys()
    for each in questions():
        reply, ids = replies[each.id], plain[each.id]
        assert (reply.text, reply.reply_tokens) == (backbone.decode(ids), len(ids)), each.id
        assert reply.cut == (ids[-1] not in backbone.end)
        assert reply.prompt_tokens == len(encoded(backbone, each.prompt))
    assert len({reply.text for reply in replies.values()}) > len(replies) / 4


def test_batches_are_the_same_in_every_attempt(subject: Subject):
    first, again = (list(engine(subject, batch_tokens=150).batches(questions())) for _ in range(2))
    assert first == again
    assert len(first) > 3


def test_a_prompt_that_cannot_be_asked_is_a_reject(subject: Subject):
    wrong = sample("thin", user(Image("pdf:3x700"), Text("find A")))
    found = list(engine(subject).batches([wrong, questions()[0]]))
    (reject,) = (each for each in found if isinstance(each, Reject))
    assert (reject.what, reject.reason) == ("thin", "prompt refused")
    assert "pdf:3x700" in reject.detail
    assert [each.asked[0].sample.id for each in found if not isinstance(each, Reject)] == ["short-A"]


def grouped(backbone: Backbone, *prompts: Message) -> list[tuple[tuple[int, ...], int]]:
    reader = Prompts.of(backbone, IMAGES, VIEW)
    reduced = [reader.reduce(n, (each,)) for n, each in enumerate(prompts)]
    return sorted((group.prompts, group.prefix) for group in group_prompts(reduced))


def test_a_document_is_read_once_whatever_the_order_of_its_questions(backbone: Backbone):
    one, other = Pages("pdf:56x56", 0, 5), Pages("pdf:56x56", 6, 11)
    find = [Text(f"find {key}") for key in KEYS]
    prompts = [user(one, find[0]), user(other, find[1]), user(one, find[2]), user(other, find[3])]
    ((first, prefix), (second, _)) = grouped(backbone, *prompts)
    assert (first, second) == ((0, 2), (1, 3))
    ids = encoded(backbone, (prompts[0],)).ids
    assert (ids[:prefix] == encoded(backbone, (prompts[2],)).ids[:prefix]).all()
    assert ids[prefix] != encoded(backbone, (prompts[2],)).ids[prefix]


def test_pages_that_differ_end_a_prefix_though_their_tokens_are_equal(backbone: Backbone):
    shared, last = Pages("pdf:56x56", 0, 5), (Image("pdf:56x56", 6), Image("pdf:56x56", 7))
    prompts = [user(shared, page, Text("find A")) for page in last]
    ((_, prefix),) = grouped(backbone, *prompts)
    assert prefix == encoded(backbone, (prompts[0],)).spans[-1, 0]


def test_a_stamp_makes_another_page(backbone: Backbone):
    pages = [Pages("pdf:56x56", 0, 19, (first, *["B8"] * 19)) for first in ("A7", "A8")]
    assert len(grouped(backbone, *(user(each, Text("find A")) for each in pages))) == 2


def test_little_that_is_shared_is_not_read_apart(backbone: Backbone):
    document = Pages("pdf:56x56", 0, 5)
    prompts = [user(Text(f"find {key}"), document) for key in KEYS]
    assert [group for group, _ in grouped(backbone, *prompts)] == [(n,) for n in range(len(KEYS))]


def test_documents_within_documents_are_grouped_where_most_is_shared(backbone: Backbone):
    """Two books with six pages in common, three questions each: each book is read once."""
    books = [(Pages("pdf:56x56", 0, 5), Pages("pdf:56x56", n, n + 3)) for n in (10, 20)]
    prompts = [user(*book, Text(f"find {key}")) for key in KEYS[:3] for book in books]
    assert [group for group, _ in grouped(backbone, *prompts)] == [(0, 2, 4), (1, 3, 5)]


def test_a_lone_prompt_keeps_its_last_token(backbone: Backbone):
    prompt = user(Pages("pdf:56x56", 0, 5), Text("find A"))
    assert grouped(backbone, prompt) == [((0,), len(encoded(backbone, (prompt,))) - 1)]


def counted(answering: ReplyEngine) -> list[Asked]:
    batches = answering.batches(questions())
    return [each for batch in batches if not isinstance(batch, Reject) for each in batch.asked]


class Counted:
    """A network that counts the tokens which its language model reads."""

    def __init__(self, network: Any) -> None:
        self._network, self.read = network, 0

    def hidden(self, embedded: Any, cache: Any = None) -> torch.Tensor:
        self.read += embedded.image.numel()
        return self._network.hidden(embedded, cache)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)


@pytest.mark.parametrize("batch_tokens", [1, 8192])
def test_prefilled_tokens_are_those_of_the_plan(subject: Subject, batch_tokens: int):
    """With one token a reply nothing but prompts is read."""
    answering = engine(subject, 1, batch_tokens=batch_tokens)
    answering.network = Counted(answering.network)
    planned = [
        each for batch in answering.batches(questions()) if not isinstance(batch, Reject) for each in batch.asked
    ]
    replies = answered(answering, questions())
    assert answering.network.read == sum(each.tokens - each.cached for each in planned)
    assert sum(reply.cached_tokens for reply in replies.values()) == sum(each.cached for each in planned)
    assert answering.network.read < 0.6 * sum(each.tokens for each in planned)


def test_logits_behind_a_shared_prefix_are_those_of_a_prompt_read_alone(subject: Subject):
    single = Subject(Model(backbone=subject.model.backbone, path=subject.model.path))
    backbone, network = single.backbone, single.network()
    network.module.eval()
    document = (Pages("pdf:56x56", 0, 3), Image("pdf:112x84"))
    prompts = [encoded(backbone, (user(*document, Text(f"find {key}")),)) for key in KEYS[:3]]
    prefix = int(prompts[0].spans[-1, 1]) + 1
    cache = read(network, collate_rows(prompts[:1], backbone, IMAGES, 0, prefix))
    rest = collate_rows(prompts, backbone, IMAGES, prefix)
    shared = next_logits(network, copy_rows(cache, [0, 0, 0]), rest)
    for row, prompt in enumerate(prompts):
        alone = next_logits(network, network.new_cache(), collate_rows([prompt], backbone, IMAGES))
        torch.testing.assert_close(shared[row], alone[0], rtol=0, atol=1e-4)


def test_pages_that_share_no_prefix_are_encoded_once_within_the_memory(subject: Subject):
    """The question first: every prompt is read whole; its page of 16 x 16 patches and more is seen once."""
    page = Image("pdf:448x448")
    asked = [sample(key, user(Text(f"find {key}"), page)) for key in KEYS]
    kept, none = engine(subject, 1), engine(subject, 1, vision_memory=0.0)
    assert answered(kept, asked) == answered(none, asked)
    assert (kept.vision.encoded, none.vision.encoded) == (1, len(KEYS))
    assert (kept.vision.size > 0, none.vision.size) == (True, 0)


def test_a_prompt_that_does_not_fit_into_the_memory_is_refused(subject: Subject):
    with pytest.raises(FeasibilityError, match=r"suite.engine.memory: 1e-06 GiB hold .* has \d+"):
        list(engine(subject, memory=1e-6).batches(questions()))


def test_little_memory_is_kept_to_and_gives_the_same_replies(subject: Subject):
    """Of a document that fills it, one question after the other is answered in the cache of the pages."""
    ample = engine(subject)
    longest = max(each.tokens for each in counted(ample)) + LIMIT
    tight = engine(subject, memory=(longest + 1) / ample.capacity * 16.0)
    for batch in tight.batches(questions()):
        assert not isinstance(batch, Reject)
        in_place = len({*batch.groups}) == batch.rows == 1
        prompts = batch.rows * (max(each.tokens for each in batch.asked) + LIMIT)
        assert (0 if in_place else len({*batch.groups}) * batch.prefix) + prompts <= tight.capacity
    texts = [{name: reply.text for name, reply in answered(each, questions()).items()} for each in (tight, ample)]
    assert texts[0] == texts[1]

import pytest

from mmprolong.conversations import Conversation, Image, Message, Text
from mmprolong.models.backbone import Backbone, find
from tests.models.tiny import answered, asked, write_model

PAGE = Image("pdf:56x56")


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen3_vl"])
def backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return find(request.param, write_model(request.param, tmp_path_factory.mktemp("model")))


def said(backbone: Backbone, messages: Conversation, answer: bool = False) -> tuple[str, str]:
    """The whole text with its special tokens, and what of it is supervised; '#' is the image."""
    tokenizer = backbone.tokenizer._tokenizer
    whole, learned = "", ""
    for piece, supervised in backbone.pieces(messages, answer):
        text = "#" if isinstance(piece, Image) else tokenizer.decode(piece, skip_special_tokens=False)
        whole += text
        learned += text if supervised else ""
    return whole, learned


def system(backbone: Backbone) -> str:
    default = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    return default if backbone.kind == "qwen2_5_vl" else ""


USER = "<|im_start|>user\n<|vision_start|>#<|vision_end|>Read it.<|im_end|>\n"


def test_a_conversation_is_chatml_and_only_the_answer_is_supervised(backbone: Backbone):
    whole, learned = said(backbone, (asked("Read it.", PAGE), answered("Yes.")))
    assert whole == f"{system(backbone)}{USER}<|im_start|>assistant\nYes.<|im_end|>\n"
    assert learned == "Yes.<|im_end|>"


def test_a_systems_turn_takes_the_place_of_the_default(backbone: Backbone):
    whole, _ = said(backbone, (Message("system", (Text("Be brief."),)), asked("Read it.", PAGE)), answer=True)
    assert whole == f"<|im_start|>system\nBe brief.<|im_end|>\n{USER}<|im_start|>assistant\n"


def test_what_is_given_within_an_answer_is_not_learned(backbone: Backbone):
    turn = Message("assistant", (Text("A ", learned=True), Text("3 B 5"), Text(" = 8", learned=True)))
    whole, learned = said(backbone, (asked("sum A B :"), turn))
    assert "assistant\nA 3 B 5 = 8<|im_end|>\n" in whole
    assert learned == "A  = 8<|im_end|>"


def test_an_answer_that_is_begun_is_left_open(backbone: Backbone):
    begun = (asked("Read it.", PAGE), Message("assistant", (Text("Answer:"),)))
    assert said(backbone, begun, answer=True)[0] == f"{system(backbone)}{USER}<|im_start|>assistant\nAnswer:"
    assert said(backbone, begun)[0].endswith("Answer:<|im_end|>\n")


def test_texts_side_by_side_are_read_as_one(backbone: Backbone):
    split, whole = (Message("user", tuple(map(Text, texts))) for texts in (("Read", " it."), ("Read it.",)))
    assert list(backbone.pieces((split,))) == list(backbone.pieces((whole,)))


def test_text_that_looks_like_a_special_token_is_only_text(backbone: Backbone):
    ids = [index for piece, _ in backbone.pieces((asked("<|im_end|>"),)) for index in piece if isinstance(piece, list)]
    turns = 1 + bool(system(backbone))
    assert ids.count(backbone.end[0]) == turns
    assert "<|im_end|>" in backbone.decode([index for index in ids if index != backbone.end[0]])

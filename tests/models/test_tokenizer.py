"""Ids of a true Qwen `tokenizer.json` are those of Qwen's own vocabulary."""

import base64
import unicodedata
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

from mmprolong.conversations import Message, Text
from mmprolong.errors import ConfigError
from mmprolong.models.backbone import find
from mmprolong.models.tokenizer import TextTokenizer
from tests.models.tiny import QWEN_WORDS, TEMPLATES, qwen_ranks, qwen_tokenizer, wrapped

ROLES = ("system", "user", "assistant", "user")
TEXTS = (
    "Hello, world! 2024",
    "Zeile\n\n  naïve — 5 °C",
    "e\u0301 cafe\u0301",
    "第3.2節 図表 ﬁ ½\t\r\n x",
    "don't  DON'T   \n\n\n 1,234.5e-6 <|im_end|> \U0001f642",
    "",
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    qwen_tokenizer().save(str(file))
    return TextTokenizer(file)


def test_ids_are_those_of_qwens_vocabulary(tokenizer: TextTokenizer):
    lines = (line.split() for line in qwen_ranks().read_bytes().splitlines() if line)
    theirs = tiktoken.Encoding(
        "qwen",
        pat_str=QWEN_WORDS,
        mergeable_ranks={base64.b64decode(token): int(rank) for token, rank in lines},
        special_tokens={},
    )
    for text in TEXTS:
        assert tokenizer.encode(text) == theirs.encode_ordinary(unicodedata.normalize("NFC", text))
        assert tokenizer.decode(tokenizer.encode(text)) == unicodedata.normalize("NFC", text)
    assert tokenizer.encode("Hello, world! 2024") == [9707, 11, 1879, 0, 220, 17, 15, 17, 19]


PARTS = st.one_of(
    st.text(max_size=6),
    st.text("\x00\t\n\x0b\r\x1c\x1f '.,<|>_-09aZsStTrReEvVmMlLdD", max_size=8),
    st.sampled_from(
        [" ", "  ", "\n ", "'ll", "'RE", "e\u0301", "\u0301", "\u00a0", "\u2028", "ſ", "ﬁ", "½", "第", *TEXTS]
    ),
)


@given(st.lists(PARTS, max_size=8).map("".join))
@settings(max_examples=2_000, deadline=None)
def test_ids_that_are_looked_up_by_words_are_those_of_the_whole_text(tokenizer: TextTokenizer, text: str):
    assert tokenizer._by_words
    assert tokenizer.encode(text) == tokenizer._encode(text)


def test_an_added_token_in_a_text_and_an_unknown_way_to_split_leave_the_text_whole(tmp_path: Path):
    added, other = qwen_tokenizer(), qwen_tokenizer()
    added.add_tokens(["<tool_call>"])
    other.pre_tokenizer = pre_tokenizers.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    for made in (added, other):
        made.save(str(tmp_path / "tokenizer.json"))
        text = "Call <tool_call> 12 times, don't"
        assert TextTokenizer(tmp_path / "tokenizer.json").encode(text) == made.encode(text).ids


def test_special_tokens_have_their_published_ids(tokenizer: TextTokenizer):
    ids = [tokenizer.id_of(f"<|{name}|>") for name in ("endoftext", "im_start", "im_end", "image_pad")]
    assert ids == [151643, 151644, 151645, 151655]
    assert tokenizer.decode(tokenizer.encode("a") + ids) == "a"
    with pytest.raises(ConfigError, match=r"no token '\[IMG\]'"):
        tokenizer.id_of("[IMG]")


def test_a_whole_books_transcription_is_encoded(tokenizer: TextTokenizer):
    assert len(tokenizer.encode("The quick brown fox jumps over the lazy dog, 123 times.\n" * 20_000)) > 200_000


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"expected the tokenizer\.json that came with the model"):
        TextTokenizer(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("kind", list(TEMPLATES))
def test_conversations_have_the_ids_of_the_published_template(tokenizer: TextTokenizer, tmp_path: Path, kind: str):
    wrapped(qwen_tokenizer(), TEMPLATES[kind]).save_pretrained(tmp_path)
    messages = [*(Message(role, (Text(text),)) for role, text in zip(ROLES, TEXTS, strict=False))]
    content = [{"role": each.role, "content": [{"type": "text", "text": each.text}]} for each in messages]
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for length in range(1, len(messages) + 1):
        answer = messages[length - 1].role == "user"
        text = theirs.apply_chat_template(content[:length], tokenize=False, add_generation_prompt=answer)
        pieces = find(kind, str(tmp_path)).pieces(messages[:length], answer)
        ours = [index for piece, _ in pieces if isinstance(piece, list) for index in piece]
        assert ours == theirs(text, add_special_tokens=False)["input_ids"]

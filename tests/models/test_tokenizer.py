"""Ids of a true Qwen `tokenizer.json` are those of Qwen's own vocabulary."""

import base64
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiktoken
from tokenizers import normalizers
from transformers.convert_slow_tokenizer import TikTokenConverter

from mmprolong.errors import ConfigError
from mmprolong.models.tokenizer import TextTokenizer
from tests.models.tiny import SPECIAL

WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Source: https://github.com/huggingface/transformers/blob/
168c83fa9fa333e00ffb3e8c6358e5f818ae2611/src/transformers/models/qwen2/tokenization_qwen2.py
"""
TEXTS = (
    "Hello, world! 2024",
    "Zeile\n\n  naïve — 5 °C",
    "e\u0301 cafe\u0301",
    "第3.2節 図表 ﬁ ½\t\r\n x",
    "don't  DON'T   \n\n\n 1,234.5e-6 <|im_end|> \U0001f642",
    "",
)


def ranks() -> Path:
    """Qwen's vocabulary, which dashscope (Apache-2.0) ships."""
    found = find_spec("dashscope")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "resources" / "qwen.tiktoken"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    converter = TikTokenConverter(vocab_file=str(ranks()), pattern=WORDS, extra_special_tokens=SPECIAL)
    built = converter.converted()
    built.normalizer = normalizers.NFC()
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    built.save(str(file))
    return TextTokenizer(file)


def test_ids_are_those_of_qwens_vocabulary(tokenizer: TextTokenizer):
    lines = (line.split() for line in ranks().read_bytes().splitlines() if line)
    theirs = tiktoken.Encoding(
        "qwen",
        pat_str=WORDS,
        mergeable_ranks={base64.b64decode(token): int(rank) for token, rank in lines},
        special_tokens={},
    )
    for text in TEXTS:
        assert tokenizer.encode(text) == theirs.encode_ordinary(unicodedata.normalize("NFC", text))
        assert tokenizer.decode(tokenizer.encode(text)) == unicodedata.normalize("NFC", text)
    assert tokenizer.encode("Hello, world! 2024") == [9707, 11, 1879, 0, 220, 17, 15, 17, 19]


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

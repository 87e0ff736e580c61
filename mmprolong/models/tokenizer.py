"""Text to token ids and back, by the `tokenizer.json` of a model. No torch."""

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from mmprolong.errors import ConfigError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_KEPT, _FRAME = 1 << 16, 48
"""Words and short texts whose ids are kept, and letters of such a text: frames of turns, headings of pages."""
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Where the tokenizers of Qwen2, Qwen2.5 and Qwen3 split text; no token crosses such a place."""
_QWEN_IN_ASCII = re.compile(
    r"'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n0-9A-Za-z]?[A-Za-z]+|[0-9]| ?[^\t-\r 0-9A-Za-z]+[\r\n]*"
    r"|[\t-\r ]*[\r\n]+|[\t-\r ]+(?![^\t-\r ])|[\t-\r ]+"
)
"""The same for text of ASCII, where normalisation changes nothing."""


class _Known(dict[str, tuple[int, ...]]):
    """Keep the ids of texts; clear them when there are too many. An `lru_cache` takes twice as long to ask."""

    def __init__(self, find: Callable[[str], list[int]]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, text: str) -> tuple[int, ...]:
        if len(self) >= _KEPT:
            self.clear()
        ids = self[text] = tuple(self._find(text))  # a tuple of numbers is nothing to the garbage collector
        return ids


class TextTokenizer:
    """The tokenizer in a file; text that looks like a special token is read as plain text.

    A tokenizer that splits as Qwen's gives a word the same ids wherever it stands, so they are looked up, which takes
    a quarter of the library's time: first what spaces part, then the words of what is not known.
    """

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        self.file = file
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises nothing narrower
            raise ConfigError(f"{file}: {error}; expected the tokenizer.json that came with the model") from error
        self._tokenizer.encode_special_tokens = True
        self._word, self._short = _Known(self._encode), _Known(self._encode_words)
        self._after_space = _Known(lambda text: self._encode_words(f" {text}"))
        self._special: dict[str, int] = {}
        self._by_words = _splits_as_qwen(self._tokenizer)
        added = [token.content for token in self._tokenizer.get_added_tokens_decoder().values() if not token.special]
        self._added = re.compile("|".join(map(re.escape, added))) if added else None

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without any that would begin or end a sequence."""
        if not self._by_words or (self._added and self._added.search(text)):
            return self._encode(text)
        if text.isprintable() and "  " not in text:  # of whitespace single spaces alone: a word begins with each
            first, *others = text.split(" ")
            return list(chain(self._short[first], *map(self._after_space.__getitem__, others)))
        return list(self._short[text]) if len(text) <= _FRAME else self._encode_words(text)

    def _encode_words(self, text: str) -> list[int]:
        if not text.isascii():
            return self._encode(text)
        return list(chain.from_iterable(map(self._word.__getitem__, _QWEN_IN_ASCII.findall(text))))

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids if text else []

    def ends(self, text: str) -> list[int]:
        """Return where each token of a text ends in it [letters]."""
        return [end for _, end in self._tokenizer.encode(text, add_special_tokens=False).offsets]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`; special tokens are left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def id_of(self, token: str) -> int:
        """Return the id of a special token.

        Raises:
            ConfigError: the tokenizer has none of that name.
        """
        if token not in self._special:
            found = self._tokenizer.token_to_id(token)
            if found is None:
                raise ConfigError(f"{self.file}: no token {token!r}; is it the tokenizer of another model family?")
            self._special[token] = found
        return self._special[token]


@cache
def tokenizer_at(file: Path) -> TextTokenizer:
    """Return the tokenizer in a file, which is read once."""
    return TextTokenizer(file)


def _splits_as_qwen(tokenizer: "Tokenizer") -> bool:
    """Tell whether text is split by `_QWEN` alone."""
    normalizer, splitter = tokenizer.normalizer, tokenizer.pre_tokenizer
    if normalizer is None or splitter is None:
        return False
    form, stated = (json.loads(each.__getstate__()) for each in (normalizer, splitter))
    split, *more = stated.get("pretokenizers", [{}])
    kinds = [(each["type"], each.get("add_prefix_space"), each.get("use_regex")) for each in more]
    wanted = {"type": "Split", "pattern": {"Regex": _QWEN}, "behavior": "Isolated", "invert": False}
    return form == {"type": "NFC"} and split == wanted and kinds == [("ByteLevel", False, False)]

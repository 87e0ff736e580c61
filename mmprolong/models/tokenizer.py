"""Text to token ids and back, by the `tokenizer.json` of a model. No torch."""

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from mmprolong.errors import ConfigError

_SHORT, _KEPT = 200, 1 << 16
"""Letters of a text whose ids are kept, and how many are: a page's heading stands in many prompts."""


class TextTokenizer:
    """The tokenizer in a file; text that looks like a special token is read as plain text."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        self.file = file
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises nothing narrower
            raise ConfigError(f"{file}: {error}; expected the tokenizer.json that came with the model") from error
        self._tokenizer.encode_special_tokens = True
        self._short = lru_cache(_KEPT)(self._encode)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without any that would begin or end a sequence."""
        return self._short(text) if len(text) <= _SHORT else self._encode(text)

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
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ConfigError(f"{self.file}: no token {token!r}; is it the tokenizer of another model family?")
        return found


@cache
def tokenizer_at(file: Path) -> TextTokenizer:
    """Return the tokenizer in a file, which is read once."""
    return TextTokenizer(file)

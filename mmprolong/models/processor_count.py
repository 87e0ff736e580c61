"""Tokens of a conversation by the model's own chat template and tokenizer: a second count, independent of ours."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mmprolong.models.files import read_json_file

_TEMPLATE = "chat_template.json"
"""Where a processor has its template if its tokenizer has none."""


class ProcessorCount:
    """Counts as transformers' processor does.

    Args:
        folder: of the model, or of its tokenizer and chat template.
        image: mark of an image in a turn's text.
    """

    def __init__(self, folder: Path, image: str) -> None:
        from transformers import AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        stated = folder / _TEMPLATE
        self._template = read_json_file(stated)["chat_template"] if stated.is_file() else None
        self._image = image

    def count(self, turns: Sequence[tuple[str, str]], images: Iterable[int]) -> int:
        """Return the tokens of a conversation.

        Args:
            turns: role and text.
            images: tokens of each image; the template has one.
        """
        said = [{"role": role, "content": self._content(text)} for role, text in turns]
        text = self._tokenizer.apply_chat_template(said, tokenize=False, chat_template=self._template)
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"]) + sum(size - 1 for size in images)

    def _content(self, text: str) -> list[dict[str, str]]:
        content: list[dict[str, str]] = []
        for number, stretch in enumerate(text.split(self._image)):
            content += [{"type": "image"}] if number else []
            content += [{"type": "text", "text": stretch}] if stretch else []
        return content

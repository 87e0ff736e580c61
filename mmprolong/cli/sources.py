"""What a person calls the documents and pages of a corpus."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import groupby
from pathlib import Path

from mmprolong.records import Block, Document, Image, Message, read_jsonl

_SHOWN = 6
"""Runs of pages that are named."""


class Sources:
    """Files and titles of the documents of a finished corpus step."""

    def __init__(self, corpus: Path) -> None:
        self._corpus = corpus

    def title(self, document: str) -> str:
        """'clm_article.pdf, "Cumulative Link Models"'; the file alone if the document shows no title."""
        title = self._titles.get(document)
        file = self._files.get(document, document)
        return f'{file}, "{title}"' if title else file

    def pages(self, messages: Iterable[Message]) -> str:
        """The documents and pages (from 1) that a conversation shows, in its order."""
        images = [part for message in messages for part in message.parts if isinstance(part, Image)]
        runs = list(_runs(images))
        named = [f"{self._name(document, len(runs))} {span}" for document, span in runs[:_SHOWN]]
        more = f", and {len(runs) - _SHOWN} more" if len(runs) > _SHOWN else ""
        return ", ".join(named) + more if named else "no page"

    def _name(self, document: str, runs: int) -> str:
        """Titles where there is room for them."""
        return self.title(document) if runs == 1 else self._files.get(document, document)

    @cached_property
    def _files(self) -> dict[str, str]:
        return {one.id: one.source for one in read_jsonl(self._corpus / "documents.jsonl", Document)}

    @cached_property
    def _titles(self) -> dict[str, str]:
        titles: dict[str, str] = {}
        for block in read_jsonl(self._corpus / "blocks.jsonl", Block):
            if block.kind == "title" and block.page == 0:
                titles.setdefault(block.document, block.text)
        return titles


def _runs(images: Iterable[Image]) -> Iterator[tuple[str, str]]:
    """Consecutive pages of one document as 'pages 3-7'."""
    numbered = enumerate(images)
    for _, group in groupby(numbered, key=lambda pair: (pair[1].document, pair[1].page - pair[0])):
        run = [image for _, image in group]
        first, last = run[0].page + 1, run[-1].page + 1
        yield run[0].document, f"page {first}" if first == last else f"pages {first}-{last}"

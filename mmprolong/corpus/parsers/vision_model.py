"""The text layer where a page has one, else a vision-language model behind an OpenAI-compatible endpoint."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mmprolong.conversations import Image, Message, Text
from mmprolong.corpus.parsers.text_layer import TextLayer
from mmprolong.errors import ConfigError, EndpointError, RequestFailed
from mmprolong.images.documents import Block
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import OpenDocument
from mmprolong.llm.budget import Budget
from mmprolong.llm.chat.openai import OpenAIChat
from mmprolong.llm.flows import drive
from mmprolong.llm.ledger import Ledger
from mmprolong.llm.requests import Flow, Request
from mmprolong.settings.fields import execution
from mmprolong.settings.llm import Limits, Llm, Sampling

_USABLE = 50
"""Characters of a page that needs no reader; fewer are the page number of a scan."""
_PROMPT = (
    "Copy the text of this page exactly, in reading order, as Markdown. Begin headings with #, items of lists with -, "
    "write tables with | between cells, displayed formulas between lines of $$, and code between lines of ```. Leave "
    "out headers, footers and page numbers. Reply with the text alone; with nothing if the page has none."
)
_FENCES = {"```": "code", "$$": "equation"}
_LIST = re.compile(r"[-*+] |\d+[.)] ")
_RULE = re.compile(r"[|:\s-]+")


@dataclass(frozen=True)
class VisionModel:
    """Text layer and a model's transcription."""

    version: ClassVar[int] = 1
    slowness: ClassVar[int] = 10
    model: str = ""
    """As the server calls it."""
    base_url: str = execution("http://127.0.0.1:8000/v1")
    key_variable: str = execution("")
    """Environment variable that holds the server's key; empty: it asks for none."""
    store: str = execution("store")
    """Folder whose ledger keeps the answers: no page is paid for twice."""
    calls: int = execution(0)
    """Most pages that are ever asked for; 0: no limit."""
    tokens: int = 4096
    """Longest transcription."""
    dpi: int = 144
    library: str = "pymupdf"
    """A renderer's name."""

    def __post_init__(self) -> None:
        if not self.model:
            raise ConfigError("corpus.parser.model: empty; name the model that reads, as its server calls it")

    def open(self, path: Path) -> AbstractContextManager[OpenDocument]:
        """Open a .pdf or .pdf.gz with the library."""
        return TextLayer(self.library).open(path)

    def blocks(self, document: OpenDocument) -> Sequence[Block]:
        """Return the blocks of the text layer, and the model's for pages that have none; these have no places.

        Raises:
            Unreadable: the model refuses a page.
            EndpointError: it does not answer; a rerun asks only for what is missing.
        """
        known: dict[int, list[Block]] = {page: [] for page in range(len(document.page_sizes))}
        for block in TextLayer(self.library).blocks(document):
            known[block.page].append(block)
        asked = [page for page, blocks in known.items() if sum(len(block.text) for block in blocks) < _USABLE]
        for page, found in zip(asked, self._read(document, asked), strict=True):
            if isinstance(found, RequestFailed):
                raise _failure(page, found)
            if found:
                known[page] = found
        return [block for blocks in known.values() for block in blocks]

    def _read(self, document: OpenDocument, pages: Sequence[int]) -> Iterator[list[Block] | RequestFailed]:
        sampling = Sampling(temperature=0, max_tokens=self.tokens)
        settings = Llm(
            model=self.model,
            sampling=sampling,
            base_url=self.base_url,
            key_variable=self.key_variable,
            at_once=4,
            budget=Limits(calls=self.calls),
        )
        view = f"{self.library} {self.dpi} dpi"
        chat = OpenAIChat(settings, lambda image: document.render(image.index, self.dpi), view)
        ledger = Ledger(Path(self.store).expanduser(), self.model)
        flows = (transcribe(document, page, self.model) for page in pages)
        yield from drive(flows, chat, ledger, Budget(settings, ledger), settings.at_once)


def transcribe(document: OpenDocument, page: int, model: str) -> Flow[list[Block]]:
    """Ask for the text of a page.

    Raises:
        RequestFailed: the answer is cut or refused.
    """
    answer = yield Request(messages=(Message("user", (Image(f"pdf:{document.id}", page), Text(_PROMPT))),))
    if answer.finish != "stop":
        raise RequestFailed("transcription is not whole", answer.finish)
    box = (0.0, 0.0, *document.page_sizes[page])
    return [
        Block(document=document.id, page=page, kind=kind, box=box, text=text, order=order, origin=model)
        for order, (kind, text) in enumerate(parts_of(answer.text))
    ]


def parts_of(markdown: str) -> Iterator[tuple[str, str]]:
    """Yield kind and text of the parts of a page in Markdown."""
    held: list[str] = []
    kind, fence = "", ""
    for line in [*markdown.splitlines(), ""]:
        mark = next((each for each in _FENCES if line.strip().startswith(each)), "")
        found = _FENCES[fence] if fence else _kind(line)
        if mark or found != kind or found in ("list", "section"):
            if held:
                yield kind, _joined(kind, held)
            held, kind = [], found
        if mark:
            fence = "" if fence else mark
            kind = _FENCES.get(fence, "")
        elif found:
            held.append(line)
    if held:
        yield kind, _joined(kind, held)


def _kind(line: str) -> str:
    text = line.strip()
    if text.startswith("#"):
        return "section"
    if text.startswith("|"):
        return "table"
    return "list" if _LIST.match(text) else "paragraph" if text else ""


def _joined(kind: str, lines: Sequence[str]) -> str:
    if kind == "table":
        rows = (line.strip().strip("|").split("|") for line in lines if not _RULE.fullmatch(line))
        return "\n".join("  ".join(cell.strip() for cell in row) for row in rows)
    if kind in ("code", "equation"):
        return "\n".join(lines)
    return " ".join(line.strip().lstrip("#").strip() for line in lines)


def _failure(page: int, failed: RequestFailed) -> Exception:
    if failed.again:
        return EndpointError(f"page {page + 1}: {failed}; run again, only what is missing is asked for")
    return Unreadable("OCR failed", f"page {page + 1}: {failed}")

"""The text layer where a page has one, else OCR: RapidOCR reads the drawn page, rapid-layout (CDLA) finds its parts."""

import importlib
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from msgspec.structs import replace

from mmprolong.corpus.ocr_blocks import OcrLine, Region, agreement, blocks_of_regions
from mmprolong.corpus.parsers.text_layer import TextLayer
from mmprolong.errors import ConfigError
from mmprolong.images.documents import Block
from mmprolong.images.page_boxes import Box
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import OpenDocument

_USABLE = 50
"""Characters of a page that needs no OCR; fewer are the page number of a scan."""
_PACKAGES = ("rapidocr", "rapid_layout", "onnxruntime")
_KINDS = {
    "text": "paragraph",
    "title": "section",
    "figure": "figure",
    "figure_caption": "caption",
    "table": "table",
    "table_caption": "caption",
    "header": "header",
    "footer": "footer",
    "reference": "list",
    "equation": "equation",
}
"""Kinds of blocks by CDLA's names."""


@dataclass(frozen=True)
class Ocr:
    """Text layer and OCR."""

    version: ClassVar[int] = 2
    slowness: ClassVar[int] = 60
    library: str = "pymupdf"
    """A renderer's name."""
    dpi: int = 144
    """Resolution at which pages are read."""
    compared: int = 0
    """Pages of a document whose text layer is compared with OCR; their blocks' confidence is how far they agree."""

    def __post_init__(self) -> None:
        for name in _PACKAGES:
            if find_spec(name) is None:
                raise ConfigError(f"corpus.parser: {name!r} is not installed; pip install 'mmprolong[ocr]'")

    def open(self, path: Path) -> AbstractContextManager[OpenDocument]:
        """Open a .pdf or .pdf.gz with the library."""
        return TextLayer(self.library).open(path)

    def blocks(self, document: OpenDocument) -> Sequence[Block]:
        """Return the blocks of the text layer, and those of OCR for pages that have none."""
        known: dict[int, list[Block]] = {page: [] for page in range(len(document.page_sizes))}
        for block in TextLayer(self.library).blocks(document):
            known[block.page].append(block)
        scans = [page for page, blocks in known.items() if sum(len(block.text) for block in blocks) < _USABLE]
        digital = [page for page in known if page not in scans]
        sampled = digital[:: max(1, len(digital) // self.compared)][: self.compared] if self.compared else []
        for page in (*scans, *sampled):
            read = self._read(document, page)
            if page in sampled:
                share = agreement("".join(block.text for block in known[page]), "".join(block.text for block in read))
                known[page] = [replace(block, confidence=share) for block in known[page]]
            elif read:
                known[page] = read
        return [block for blocks in known.values() for block in blocks]

    def _read(self, document: OpenDocument, page: int) -> list[Block]:
        try:
            pixels = document.render(page, self.dpi)
        except Unreadable:
            return []
        if (pixels == pixels[0, 0]).all():
            return []
        lines, regions = _seen(pixels)
        return blocks_of_regions(document.id, page, lines, regions, 72 / self.dpi)


def _seen(pixels: np.ndarray) -> tuple[list[OcrLine], list[Region]]:
    """Return lines and regions of a drawn page.

    Raises:
        MemoryError: the engines had too little.
        Unreadable: they failed.
    """
    try:
        reader, layout = _engines()
        return _lines(reader(pixels)), _regions(layout(pixels))
    except MemoryError:
        raise
    except Exception as error:
        if "alloc" in str(error):  # of C++, whatever the library makes of it
            raise MemoryError(str(error)) from error
        raise Unreadable("OCR failed", f"{type(error).__name__}: {error}") from error


@cache
def _engines() -> tuple[Any, Any]:
    """Load the models, which are inside the packages; there is a process for each core already."""
    rapidocr, rapid_layout = (importlib.import_module(name) for name in _PACKAGES[:2])
    one_thread = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
    settings = {"Global.log_level": "error", "Global.use_cls": False, "Rec.rec_batch_num": 1}
    settings |= {f"EngineConfig.onnxruntime.{name}": count for name, count in one_thread.items()}
    logging.disable(logging.INFO)  # the libraries tell each file that they load
    try:
        return rapidocr.RapidOCR(params=settings), rapid_layout.RapidLayout(engine_cfg=one_thread)
    finally:
        logging.disable(logging.NOTSET)


def _lines(found: Any) -> list[OcrLine]:
    if found.txts is None:
        return []
    read = zip(found.txts, found.boxes, found.scores, strict=True)
    return [OcrLine(text, _around(np.asarray(corners)), float(score)) for text, corners, score in read]


def _around(corners: np.ndarray) -> Box:
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _regions(found: Any) -> list[Region]:
    if found.boxes is None:
        return []
    pairs = zip(found.class_names, found.boxes, strict=True)
    return [Region(_KINDS.get(name, "paragraph"), _around(np.reshape(box, (2, 2)))) for name, box in pairs]

"""Layout that docling found before: its JSON files (`docling --to json`), matched to documents by their content."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from msgspec.structs import replace

from mmprolong.corpus.parsers.text_layer import TextLayer
from mmprolong.errors import ConfigError
from mmprolong.images.documents import Block
from mmprolong.images.page_boxes import Box
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.printed_text import clean
from mmprolong.images.renderer import OpenDocument

_HASH = re.compile(rb'"binary_hash"\s*:\s*(\d+)')
_HEAD = 65_536
"""Bytes of a file in which its origin stands."""
_KINDS = {
    "title": "title",
    "section_header": "section",
    "list_item": "list",
    "reference": "list",
    "caption": "caption",
    "table": "table",
    "document_index": "table",
    "picture": "figure",
    "chart": "figure",
    "formula": "equation",
    "code": "code",
    "page_header": "header",
    "page_footer": "footer",
}
"""Kinds of blocks by docling's labels; all others are paragraphs. Source: docling_core.types.doc.labels."""
_PLACES = {"header": 0, "footer": 2}


@dataclass(frozen=True)
class Docling:
    """Blocks from docling's JSON files."""

    version: ClassVar[int] = 2
    slowness: ClassVar[int] = 1
    folder: str = ""
    """Folder of the files, at any depth; its name is its identity."""
    library: str = "pymupdf"
    """A renderer's name."""

    def open(self, path: Path) -> AbstractContextManager[OpenDocument]:
        """Open a .pdf or .pdf.gz with the library."""
        return TextLayer(self.library).open(path)

    def blocks(self, document: OpenDocument) -> Sequence[Block]:
        """Return the blocks of docling's reading order, headers first and footers last on each page.

        Raises:
            Unreadable: docling has not read the document, or its file is damaged.
        """
        path = _files(self.folder).get(int(document.id[-16:], 16))  # docling keeps 64 of the 256 bits
        if path is None:
            raise Unreadable("no layout", f"no JSON of docling in {self.folder!r} is of this content")
        try:
            read = msgspec.json.decode(path.read_bytes())
            found = sorted(_blocks(document, read), key=lambda block: (block.page, _PLACES.get(block.kind, 1)))
        except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
            raise Unreadable("no layout", f"{path}: {type(error).__name__}: {error}") from error
        orders: dict[int, int] = {}
        for index, block in enumerate(found):
            found[index] = replace(block, order=orders.setdefault(block.page, 0))
            orders[block.page] += 1
        return found


@cache
def _files(folder: str) -> Mapping[int, Path]:
    """Return docling's files by the hash of their documents.

    Raises:
        ConfigError: there is none.
    """
    found = {}
    for path in sorted(Path(folder).expanduser().rglob("*.json")) if folder else ():
        with path.open("rb") as file:
            stated = _HASH.search(file.read(_HEAD))
        if stated:
            found[int(stated[1])] = path
    if not found:
        raise ConfigError(f"corpus.parser.folder: {folder!r} holds no JSON of docling; write it by docling --to json")
    return found


def _blocks(document: OpenDocument, read: Mapping[str, Any]) -> Iterator[Block]:
    for root in ("furniture", "body"):
        for item, in_figure in _items(read, read.get(root, {}), False):
            kind = _KINDS.get(item["label"], "paragraph")
            if in_figure and kind != "caption":
                kind = "figure"
            for place in item.get("prov", ()):
                page = place["page_no"] - 1
                start, end = place.get("charspan") or (0, None)
                spread = len(item["prov"]) > 1
                text = _text(item, kind, (start, end) if spread else (0, None))
                if text and 0 <= page < len(document.page_sizes):
                    box = _box(document.page_sizes[page], read["pages"][str(page + 1)]["size"], place["bbox"])
                    yield Block(
                        document=document.id, page=page, kind=kind, box=box, text=text, order=0, origin="docling"
                    )


def _items(
    read: Mapping[str, Any], node: Mapping[str, Any], in_figure: bool
) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield the items below a node of docling's tree, and whether they lie inside a picture.

    Docling hangs a caption on its table, picture or code, wherever it is printed.
    """
    for child in node.get("children", ()):
        _, kind, number = child["$ref"].split("/")
        item = read[kind][int(number)]
        below = list(_items(read, item, in_figure or kind == "pictures"))
        if kind == "groups":
            yield from below
        else:
            yield from sorted([(item, in_figure), *below], key=lambda each: _rank(each[0], item))


def _rank(one: Mapping[str, Any], item: Mapping[str, Any]) -> int:
    """Return the place of what hangs on an item: a caption above it, itself, its other parts, a caption below."""
    if one is item:
        return 1
    if one["label"] != "caption" or not one.get("prov") or not item.get("prov"):
        return 2
    own, captioned = one["prov"][0], item["prov"][0]
    upwards = own["bbox"].get("coord_origin") == "BOTTOMLEFT"
    is_higher = (own["bbox"]["t"] > captioned["bbox"]["t"]) == upwards
    return 0 if own["page_no"] == captioned["page_no"] and is_higher else 3


def _text(item: Mapping[str, Any], kind: str, span: tuple[int, int | None]) -> str:
    if "data" in item:
        rows = (
            [clean(cell["text"]) for column, cell in enumerate(row) if _begins_at(cell, line, column)]
            for line, row in enumerate(item["data"]["grid"])
        )
        return "\n".join("  ".join(filter(None, row)) for row in rows)
    if kind == "equation":
        return clean(item.get("text") or item.get("orig", ""))  # docling writes LaTeX, or nothing unless asked to
    marker = f"{item.get('marker', '')} " if span[0] == 0 else ""
    text = marker.lstrip() + item.get("text", "")[span[0] : span[1]]
    return text.strip("\n") if kind == "code" else clean(text)


def _begins_at(cell: Mapping[str, Any], line: int, column: int) -> bool:
    """Tell whether a cell begins here; docling's grid repeats one that spans others in each of their places."""
    return (cell.get("start_row_offset_idx", line), cell.get("start_col_offset_idx", column)) == (line, column)


def _box(ours: tuple[float, float], theirs: Mapping[str, float], box: Mapping[str, Any]) -> Box:
    """Return a box in points of the page as displayed, from the top left."""
    across, down = ours[0] / theirs["width"], ours[1] / theirs["height"]
    from_below = box.get("coord_origin") == "BOTTOMLEFT"
    top, bottom = (theirs["height"] - box[side] if from_below else box[side] for side in ("t", "b"))
    x0, y0, x1, y1 = box["l"] * across, top * down, box["r"] * across, bottom * down
    return round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)

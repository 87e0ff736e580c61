"""The files of a benchmark as fingerprints: PDFs, pictures, and texts in whatever data files hold them."""

import gzip
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from mmprolong.errors import DataError
from mmprolong.images.file_content import Unreadable
from mmprolong.images.renderer import Renderer
from mmprolong.selection.fingerprints import Fingerprint, of_document, of_picture, of_text

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
_TEXTS = (".txt", ".md", ".tsv", ".csv", ".html", ".tex")
_BROKEN = (OSError, ValueError, EOFError, SyntaxError, Image.DecompressionBombError, Unreadable)
"""Errors of damaged files; SyntaxError is Pillow's for a broken PNG."""


class NotRead(DataError):
    """A file of a benchmark that no channel can compare."""


def contents(path: Path, renderer: Renderer) -> Iterator[tuple[str, Fingerprint]]:
    """Yield the places in a file and their fingerprints.

    Raises:
        NotRead: it is damaged, or of a kind that holds neither pages nor text.
    """
    name = path.name.lower()
    try:
        if name.endswith((".pdf", ".pdf.gz")):
            with renderer.open(path) as document:
                for page, (fingerprint, _) in enumerate(of_document(document, cuts=True), 1):
                    yield f"page {page}", fingerprint
        elif name.endswith(_PICTURES):
            with Image.open(path) as picture:
                yield "", of_picture(picture, cuts=True)
        elif name.endswith(".parquet"):
            yield from _of_rows(_parquet(path))
        elif name.endswith((".json", ".jsonl", ".json.gz", ".jsonl.gz")):
            yield from _of_rows(_json(path))
        elif name.endswith(_TEXTS):
            yield from _of_rows([path.read_text(encoding="utf-8", errors="replace")])
        else:
            raise NotRead("a file of another kind")
    except _BROKEN as error:
        raise NotRead(f"{type(error).__name__}: {error}") from error


def _of_rows(rows: Iterable[Any]) -> Iterator[tuple[str, Fingerprint]]:
    """Yield the texts of each row, joined, and its pictures."""
    for number, row in enumerate(rows, 1):
        texts: list[str] = []
        for value in _leaves(row):
            if isinstance(value, bytes):
                with Image.open(io.BytesIO(value)) as picture:
                    yield f"row {number}", of_picture(picture, cuts=True)
            else:
                texts.append(value)
        yield from ((f"row {number}", fingerprint) for fingerprint in of_text("\n".join(texts)))


def _leaves(value: Any) -> Iterator[str | bytes]:
    if isinstance(value, str | bytes):
        yield value
    elif isinstance(value, dict):
        yield from (leaf for each in value.values() for leaf in _leaves(each))
    elif isinstance(value, list):
        yield from (leaf for each in value for leaf in _leaves(each))


def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=64):
                yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise NotRead(str(error)) from error


def _json(path: Path) -> Iterator[Any]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        if ".jsonl" in path.name.lower():
            yield from (json.loads(line) for line in file if line.strip())
        else:
            whole = json.load(file)
            yield from whole if isinstance(whole, list) else [whole]

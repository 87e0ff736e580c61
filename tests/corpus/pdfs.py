"""PDFs made for a test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf

from mmprolong.corpus import stage
from mmprolong.corpus.pool import entries, locate
from mmprolong.corpus.reading import ReadingJob
from mmprolong.images.documents import Block, Document
from mmprolong.settings.knobs import Corpus
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet_by_key import ParquetByKey
from tests.working import work_in

LONG = "Enough words to be told from chance. " * 8
"""Text of a page that has a language."""


def articles() -> list[Path]:
    """The PDFs of the demo pool, the smallest first."""
    paths = (locate("demo") / entry.name for entry in entries(locate("demo"))[0])
    return sorted(paths, key=lambda path: path.stat().st_size)


def write_pdf(path: Path, pages: Sequence[str] = ("A page.",), **options: Any) -> Path:
    """A PDF with one text box a page."""
    document = pymupdf.open()
    for text in pages:
        document.new_page(width=300, height=400).insert_textbox(pymupdf.Rect(30, 60, 280, 380), text, fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(path, **options)
    return path


def encrypt(path: Path) -> Path:
    """The PDF in `path`, made unreadable without a password."""
    with pymupdf.open(path) as document:
        content = document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="owner", user_pw="user")  # pyright: ignore
    path.write_bytes(content)
    return path


def write_undrawable(path: Path, pages: Sequence[str], bad: int) -> Path:
    """A PDF with a page that pypdfium2 reads and PyMuPDF cannot draw: it saves its graphics state 100,000 times."""
    with pymupdf.open(write_pdf(path, pages)) as document:
        extra = document.get_new_xref()
        document.update_object(extra, "<<>>")
        document.update_stream(extra, b"q " * 100_000 + b"0 0 9 9 re f")
        contents = document.xref_get_key(document[bad].xref, "Contents")[1].strip("[]")
        document.xref_set_key(document[bad].xref, "Contents", f"[{contents} {extra} 0 R]")
        document.saveIncr()
    return path


def layout(corpus: Path) -> list[Block]:
    """The blocks of all documents of a finished corpus."""
    read = ParquetByKey(corpus / "blocks", Block)
    documents = read_jsonl(corpus / "documents.jsonl", Document)
    return [block for document in documents for block in read.records(document.id)]


def jobs_in(pool: Path, folder: Path) -> list[ReadingJob]:
    """The files to read of a pool, as a step in a folder lists them."""
    settings, work = Corpus(path=str(pool)), work_in(folder)
    stage.parts(settings, work)
    return list(stage.jobs_of(settings, work))

"""`mmprolong prerender` as it is typed: what it keeps is what is drawn."""

import shutil
from pathlib import Path

import pymupdf

from mmprolong.conversations import Image
from mmprolong.images.documents import Document
from mmprolong.images.kept_pages import open_kept
from mmprolong.images.pages import CorpusPages
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import read_jsonl
from tests.cli.typed import said, step_of
from tests.corpus.pdfs import LONG, write_pdf


def test_kept_pages_are_read_back_as_they_are_drawn(capsys, tmp_path: Path):
    with pymupdf.open(write_pdf(tmp_path / "pool" / "a.pdf", [LONG, "Two. " + LONG])) as document:
        scan = document[1].get_pixmap(dpi=40)
        document.new_page(width=300, height=400).insert_image(pymupdf.Rect(0, 0, 300, 400), pixmap=scan)
        document.saveIncr()
    words = [f"corpus.path={tmp_path / 'pool'}", f"paths.store={tmp_path / 'store'}"]
    said(capsys, "corpus", *words)
    corpus, view = tmp_path / "store" / step_of(tmp_path / "store", "corpus"), View(dpi=50)
    (read,) = read_jsonl(corpus / "documents.jsonl", Document)
    images = [Image(f"pdf:{read.id}", page) for page in range(3)]
    drawn = [CorpusPages(view, Corpus(), corpus).pixels(image) for image in images]
    for slow, kept in (("9", [2]), ("-1", [0, 1, 2])):
        step = step_of(tmp_path / "store", "selection")
        shown = said(capsys, "prerender", step, "--dpi", "50", "--slow", slow, "--store", str(tmp_path / "store"))
        assert f"{len(kept)} pages" in shown
        held = open_kept(corpus, view)
        assert held is not None and [page for page in range(3) if held.content(read.id, page)] == kept
    shutil.rmtree(tmp_path / "pool")
    found = CorpusPages(view, Corpus(), corpus)
    assert all((found.pixels(image) == page).all() for image, page in zip(images, drawn, strict=True))
    refused = said(capsys, "prerender", "gone", "--store", str(tmp_path / "store"), code=1)
    assert "step 'gone'" in refused

"""A page that cannot be drawn is white, as large as it was measured, and noted; what is wrong elsewhere is an error."""

from pathlib import Path

import numpy as np
import pytest

from mmprolong.conversations import Image
from mmprolong.corpus import stage
from mmprolong.errors import DataError
from mmprolong.images.documents import Document
from mmprolong.images.file_content import Unreadable
from mmprolong.images.kept_pages import UNDRAWN, kept_folder, read_undrawn
from mmprolong.images.page_notes import UndrawnImage
from mmprolong.images.pages import CorpusPages
from mmprolong.images.prerendering import jobs_of, keep_pages, note_death
from mmprolong.images.undrawn import WhiteIfUndrawn, undrawn_in
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import read_jsonl
from tests.corpus.pdfs import LONG, write_undrawable
from tests.models.tiny import Drawn
from tests.working import run_stage, work_in

VIEW = View(dpi=36)
READ = Corpus(parser={"name": "text_layer", "library": "pypdfium2"})


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus of one document of three pages, of which the second cannot be drawn."""
    path = write_undrawable(tmp_path / "pool" / "a.pdf", [LONG, "Two. " + LONG, "Three. " + LONG], 1)
    folder = tmp_path / "store" / "corpus" / "c"
    run_stage(stage, Corpus(path=str(path.parent), parser=READ.parser), work_in(folder))
    return folder


def pages_of(corpus: Path) -> list[Image]:
    (document,) = read_jsonl(corpus / "documents.jsonl", Document)
    return [Image(f"pdf:{document.id}", page) for page in range(3)]


def test_a_page_that_cannot_be_drawn_is_white_and_noted_once_with_its_file(corpus: Path, tmp_path: Path):
    images = pages_of(corpus)
    plain, told = (CorpusPages(VIEW, READ, corpus) for _ in range(2))
    white = WhiteIfUndrawn(told, tmp_path / "notes")
    cut = Image(images[1].source, 1, crop=(0.0, 0.0, 0.5, 1.0))
    for image in (images[1], images[1], cut):
        shown = white.pixels(image)
        assert (shown == 255).all() and shown.shape[1::-1] == white.size(image)
    assert all((white.pixels(image) == plain.pixels(image)).all() for image in (images[0], images[2]))
    (noted,) = undrawn_in(tmp_path / "notes")
    assert (noted.source, noted.index, noted.reason) == (images[1].source, 1, "broken")
    assert noted.detail.startswith("a.pdf page 2: ")
    with pytest.raises(Unreadable, match=r"^broken: a\.pdf page 2: "):
        plain.pixels(images[1])


def test_what_was_found_beforehand_is_not_tried_again(corpus: Path, tmp_path: Path):
    images, folder = pages_of(corpus), kept_folder(corpus, VIEW)
    keep_pages(jobs_of(corpus, None, VIEW), folder, width=1)
    (found,) = read_undrawn(folder / UNDRAWN)
    (tmp_path / "pool" / "a.pdf").rename(tmp_path / "pool" / "b.pdf")
    white = WhiteIfUndrawn(CorpusPages(VIEW, READ, corpus), tmp_path / "notes")
    assert (white.pixels(images[1]) == 255).all()
    assert undrawn_in(tmp_path / "notes") == [found]


def test_no_page_of_a_document_that_ends_every_process_is_tried_again(corpus: Path, tmp_path: Path):
    (job,) = jobs_of(corpus, None, VIEW)
    note_death(job, "crashed", "SIGSEGV")
    keep_pages([job], tmp_path / "kept", width=1)
    assert [(one.index, one.reason) for one in read_undrawn(tmp_path / "kept" / UNDRAWN)] == [
        (page, "crashed") for page in range(3)
    ]


@pytest.mark.parametrize("damage", ["cut", "other", "gone"])
def test_a_file_that_is_not_the_one_that_was_read_is_no_white_page(corpus: Path, tmp_path: Path, damage: str):
    file = tmp_path / "pool" / "a.pdf"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] if damage == "cut" else content + b"\n%more\n%%EOF")
    if damage == "gone":
        file.unlink()
    white = WhiteIfUndrawn(CorpusPages(VIEW, READ, corpus), tmp_path / "notes")
    with pytest.raises(DataError, match=r"restore it|set corpus\.path") as raised:
        white.pixels(pages_of(corpus)[0])
    assert not isinstance(raised.value, Unreadable) and not undrawn_in(tmp_path / "notes")


class Failing(Drawn):
    """Images of which none can be drawn."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def pixels(self, image: Image) -> np.ndarray:
        raise self.error


def test_where_all_pages_fail_or_memory_is_short_the_step_ends(tmp_path: Path):
    none = WhiteIfUndrawn(Failing(Unreadable("broken", "all of them")), tmp_path / "notes")
    for page in range(200):
        none.pixels(Image("pdf:8x8", page))
    with pytest.raises(DataError, match="201 of 201 images cannot be drawn"):
        none.pixels(Image("pdf:8x8", 200))
    with pytest.raises(DataError, match=r"pdf:8x8 page 4: out of memory .*prerender"):
        WhiteIfUndrawn(Failing(MemoryError()), tmp_path / "other").pixels(Image("pdf:8x8", 3))
    assert undrawn_in(tmp_path / "other") == [] and isinstance(undrawn_in(tmp_path / "notes")[0], UndrawnImage)

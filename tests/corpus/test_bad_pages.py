"""A page that fails, or ends the process that reads it, costs itself alone."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from mmprolong.corpus.guarded_pages import GuardedPages
from mmprolong.corpus.reading import note_death, read_file, read_result
from mmprolong.images.child_processes import Children
from mmprolong.images.documents import Block, Heading
from mmprolong.images.page_notes import PageNotes
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import Line, Properties
from tests.corpus.pdfs import LONG, jobs_in, write_pdf


class BadPages:
    """A document of which page 1 is broken and page 2 needs too much memory."""

    id = "0" * 64
    page_sizes = ((300.0, 400.0),) * 9

    def lines(self, page: int) -> list[Line]:
        self._fail(page)
        return [Line(text="A line.", box=(0, 0, 9, 9), size=10, font="", bold=False, mono=False, group=0)]

    def render(self, page: int, dpi: int) -> np.ndarray:
        self._fail(page)
        return np.zeros((dpi, dpi, 3), np.uint8)

    def thumbnail(self, page: int, side: int) -> np.ndarray:
        self._fail(page)
        return np.zeros((side, side), np.uint8)

    def outline(self) -> tuple[Heading, ...]:
        return ()

    def picture_share(self, page: int) -> float:
        self._fail(page)
        return 0.5

    def properties(self) -> Properties:
        return Properties()

    def _fail(self, page: int) -> None:
        if page == 1:
            raise Unreadable("broken", "a bad stream")
        if page == 2:
            raise MemoryError


def test_a_page_that_is_broken_costs_itself_only(tmp_path: Path):
    notes = PageNotes(str(tmp_path / "part"))
    pages = GuardedPages(BadPages(), notes)
    assert [bool(pages.lines(page)) for page in range(4)] == [True, False, False, True]
    assert {page: one.reason for page, one in pages.failed.items()} == {1: "broken", 2: "out of memory"}
    assert [pages.picture_share(page) for page in range(4)] == [0.5, 0, 0, 0.5]
    with pytest.raises(Unreadable, match="broken"):
        pages.render(1, 72)


def test_a_page_that_ends_its_process_is_left_out_of_the_next_reading(tmp_path: Path):
    notes = PageNotes(str(tmp_path / "part"))
    assert not notes.bury("crashed", "SIGSEGV", 60), "no page was begun"
    for page in (2, 5, 7):
        notes.begin(page)
        assert notes.bury("crashed", "SIGSEGV", 60)
    assert set(GuardedPages(BadPages(), notes).failed) == {2, 5, 7}
    notes.begin(8)
    assert not notes.bury("crashed", "SIGSEGV", 60), "too many died"


def test_a_slow_document_is_not_read_again(tmp_path: Path):
    notes = PageNotes(str(tmp_path / "part"))
    notes.begin(3)
    assert not notes.bury("timed out", "after 1 s", 0), "the page began when the time was up"
    assert notes.bury("timed out", "after 1 h", 3600)


def test_a_document_with_a_deadly_page_is_read_without_it(tmp_path: Path):
    write_pdf(tmp_path / "pool" / "a.pdf", [LONG, "bad", LONG])
    (job,) = jobs_in(tmp_path / "pool", tmp_path)
    notes = PageNotes(job.part)
    notes.begin(1)
    note_death(job, "crashed", "SIGSEGV")
    assert not Path(job.part + ".json").exists()
    list(Children(read_file, note_death, 60, 2048).each([job], 0))
    result = read_result(job.part)
    assert [(page.page, page.reason) for page in result.failed] == [(1, "crashed")] and result.document is not None
    blocks = msgspec.json.decode(Path(job.part + ".blocks.json").read_bytes(), type=list[Block])
    assert {block.page for block in blocks} == {0, 2} and not notes.dead()

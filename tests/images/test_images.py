import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from mmprolong.conversations import Image, Pages
from mmprolong.corpus import stage
from mmprolong.errors import DataError
from mmprolong.images import stage as render
from mmprolong.images.documents import Document
from mmprolong.images.page_notes import PageNotes
from mmprolong.images.pages import CorpusPages
from mmprolong.records import Reject
from mmprolong.settings.knobs import Corpus, View
from mmprolong.settings.stages import RenderSettings
from mmprolong.store.jsonl import read_jsonl
from tests.working import run_stage, work_in

VIEW = View(dpi=72, thumbnail=56)


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, Corpus]:
    pool, folder = tmp_path / "pool", tmp_path / "corpus"
    pool.mkdir()
    for name in "ab":
        document = pymupdf.open()
        for page in range(2):
            document.new_page(width=300, height=400).insert_text((200, 300), f"{name}{page}" * 4)
        document.save(pool / f"{name}.pdf")
    settings = Corpus(path=str(pool))
    run_stage(stage, settings, work_in(folder))
    run_stage(render, RenderSettings(thumbnail=56, corpus=settings), work_in(tmp_path / "render", corpus=folder))
    return folder, settings


def drawer(folder: Path, settings: Corpus) -> CorpusPages:
    return CorpusPages(VIEW, settings, folder, folder.parent / "render")


def ids(folder: Path) -> list[str]:
    return [document.id for document in read_jsonl(folder / "documents.jsonl", Document)]


def test_a_page_is_drawn_at_the_corpus_resolution_and_its_size_is_known(corpus: tuple[Path, Corpus]):
    folder, settings = corpus
    pages = drawer(folder, settings)
    image = Image(f"pdf:{ids(folder)[1]}", 1)
    assert pages.size(image) == (300, 400)
    assert pages.pixels(image).shape == (400, 300, 3)


def test_a_stamp_changes_only_the_corner_and_is_always_the_same(corpus: tuple[Path, Corpus]):
    folder, settings = corpus
    pages = drawer(folder, settings)
    image = Image(f"pdf:{ids(folder)[1]}", 0, stamp="A7")
    drawn = pages.pixels(image)
    plain = np.load(folder.parent / "render" / "thumbnails.npy")[2]
    assert pages.size(image) == (56, 56) == drawn.shape
    assert (drawn[:28, :28] != plain[:28, :28]).any()
    drawn[:28, :28] = plain[:28, :28]
    assert (drawn == plain).all()
    assert (drawer(folder, settings).pixels(image) == pages.pixels(image)).all()


def test_sizes_of_a_run_are_those_of_its_pages(corpus: tuple[Path, Corpus]):
    folder, settings = corpus
    pages, source = drawer(folder, settings), f"pdf:{ids(folder)[0]}"
    for run in (Pages(source, 0, 1), Pages(source, 1, 1), Pages(source, 0, 1, ("A1", "B2"))):
        assert pages.sizes(run) == Counter(map(pages.size, run.images()))
    with pytest.raises(DataError, match="no page 3; the document has 2"):
        pages.sizes(Pages(source, 1, 4))


def test_a_crop_is_cut_from_the_page(corpus: tuple[Path, Corpus]):
    folder, settings = corpus
    pages, source = drawer(folder, settings), f"pdf:{ids(folder)[0]}"
    cut = Image(source, 0, crop=(0.5, 0.7, 1.0, 0.8))
    assert pages.size(cut) == (150, 40)
    assert (pages.pixels(cut) == pages.pixels(Image(source, 0))[280:320, 150:]).all()
    assert pages.size(Image(source, 0, crop=(0.5, 0.5, 0.5001, 0.5001))) == (1, 1)
    for image, says in (
        (Image(source, crop=(0.5, 0, 0.2, 1)), "shares"),
        (Image(source, crop=(0, 0, 1, 1), stamp="A7"), "give one"),
    ):
        with pytest.raises(DataError, match=says):
            pages.size(image)


def test_a_file_that_is_not_the_one_that_was_read_is_refused(corpus: tuple[Path, Corpus]):
    folder, settings = corpus
    shutil.copy(Path(settings.path) / "a.pdf", Path(settings.path) / "b.pdf")
    with pytest.raises(DataError, match="not the content that was read"):
        drawer(folder, settings).pixels(Image(f"pdf:{ids(folder)[1]}", 0))


def test_a_pool_that_moved_is_found_where_the_settings_say(corpus: tuple[Path, Corpus], tmp_path: Path):
    folder, settings = corpus
    image = Image(f"pdf:{ids(folder)[0]}", 0)
    before = drawer(folder, settings).pixels(image)
    Path(settings.path).rename(tmp_path / "moved")
    with pytest.raises(DataError, match=r"set corpus\.path"):
        drawer(folder, settings).pixels(image)
    assert (drawer(folder, replace(settings, path=str(tmp_path / "moved"))).pixels(image) == before).all()


@pytest.mark.parametrize(("document", "page"), [("unknown", 0), ("", 9)])
def test_a_page_that_does_not_exist_is_refused(corpus: tuple[Path, Corpus], document: str, page: int):
    folder, settings = corpus
    with pytest.raises(DataError, match=r"no such document|no page 10"):
        drawer(folder, settings).pixels(Image(f"pdf:{document or ids(folder)[0]}", page))


def test_more_documents_than_are_kept_open_can_be_drawn(tmp_path: Path):
    pool = tmp_path / "pool"
    pool.mkdir()
    for number in range(12):
        document = pymupdf.open()
        document.new_page(width=100, height=100).insert_text((10, 50), f"n{number}")
        document.save(pool / f"{number:02}.pdf")
    settings = Corpus(path=str(pool))
    run_stage(stage, settings, work_in(tmp_path / "corpus"))
    pages = CorpusPages(VIEW, settings, tmp_path / "corpus")
    images = [Image(f"pdf:{name}", 0) for name in ids(tmp_path / "corpus")]
    first = [pages.pixels(image) for image in images]
    assert all((pages.pixels(image) == drawn).all() for image, drawn in zip(images, first, strict=True))


def test_a_page_that_cannot_be_drawn_is_white_and_refused(tmp_path: Path):
    pool, folder = tmp_path / "pool", tmp_path / "corpus"
    pool.mkdir()
    document = pymupdf.open()
    document.new_page(width=300, height=400).insert_text((20, 300), "dark " * 40)
    document.save(pool / "a.pdf")
    settings = Corpus(path=str(pool))
    run_stage(stage, settings, work_in(folder))
    (pool / "a.pdf").write_bytes(b"%PDF-1.7 damaged since")
    work = work_in(tmp_path / "render", corpus=folder)
    assert run_stage(render, RenderSettings(thumbnail=28, corpus=settings), work) == {"pages": 1, "not drawn": 1}
    assert (np.load(tmp_path / "render" / "thumbnails.npy") == 255).all()


def test_a_page_that_ends_the_process_that_draws_it_is_white_and_the_others_are_drawn(corpus: tuple[Path, Corpus]):
    folder, settings = corpus
    drawing = RenderSettings(thumbnail=28, corpus=settings)
    document = next(read_jsonl(folder / "documents.jsonl", Document))
    target, path = folder.parent / "deadly.raw", Path(settings.path) / document.source
    job = render.DrawingJob(path=str(path), document=document, target=str(target), settings=drawing)
    PageNotes(job.target).begin(1)
    render.note_death(job, "crashed", "SIGSEGV")
    assert not target.exists()
    render.draw(job)
    pages = np.frombuffer(target.read_bytes(), np.uint8).reshape(document.pages, 28, 28)
    assert (pages[1] == 255).all() and (pages[0] < 255).any()
    assert [one.reason for one in read_jsonl(target.with_suffix(".rejects"), Reject)] == ["page 2: crashed"]

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from mmprolong.corpus import stage
from mmprolong.errors import DataError
from mmprolong.images.pages import PageImages
from mmprolong.records import Document, Image, read_jsonl
from mmprolong.runtime.run_log import RunLog
from mmprolong.settings.knobs import Corpus


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, Corpus]:
    pool, folder = tmp_path / "pool", tmp_path / "corpus"
    pool.mkdir()
    for name in "ab":
        document = pymupdf.open()
        for page in range(2):
            document.new_page(width=300, height=400).insert_text((200, 300), f"{name}{page}" * 4)
        document.save(pool / f"{name}.pdf")
    settings = Corpus(path=str(pool), thumbnail=56, dpi=72)
    stage.run(settings, {}, folder, RunLog(folder))
    return folder, settings


def ids(folder: Path) -> list[str]:
    return [document.id for document in read_jsonl(folder / "documents.jsonl", Document)]


def test_a_page_is_drawn_at_the_corpus_resolution_and_its_size_is_known(corpus: tuple[Path, Corpus]):
    folder, settings = corpus
    pages = PageImages(folder, settings)
    image = Image(document=ids(folder)[1], page=1)
    assert pages.size(image) == (300, 400)
    assert pages(image).shape == (400, 300, 3)


def test_a_stamp_changes_only_the_corner_and_is_always_the_same(corpus: tuple[Path, Corpus]):
    folder, settings = corpus
    pages = PageImages(folder, settings)
    image = Image(document=ids(folder)[1], page=0, stamp="A7")
    drawn = pages(image)
    plain = np.load(folder / "thumbnails.npy")[2]
    assert pages.size(image) == (56, 56) == drawn.shape
    assert (drawn[:28, :28] != plain[:28, :28]).any()
    drawn[:28, :28] = plain[:28, :28]
    assert (drawn == plain).all()
    assert (PageImages(folder, settings)(image) == pages(image)).all()


def test_a_file_that_is_not_the_one_that_was_read_is_refused(corpus: tuple[Path, Corpus]):
    folder, settings = corpus
    shutil.copy(Path(settings.path) / "a.pdf", Path(settings.path) / "b.pdf")
    with pytest.raises(DataError, match="not the content that was read"):
        PageImages(folder, settings)(Image(document=ids(folder)[1], page=0))


def test_a_pool_that_moved_is_found_where_the_settings_say(corpus: tuple[Path, Corpus], tmp_path: Path):
    folder, settings = corpus
    image = Image(document=ids(folder)[0], page=0)
    before = PageImages(folder, settings)(image)
    Path(settings.path).rename(tmp_path / "moved")
    with pytest.raises(DataError, match=r"set corpus\.path"):
        PageImages(folder, settings)(image)
    assert (PageImages(folder, replace(settings, path=str(tmp_path / "moved")))(image) == before).all()


@pytest.mark.parametrize(("document", "page"), [("unknown", 0), ("", 9)])
def test_a_page_that_does_not_exist_is_refused(corpus: tuple[Path, Corpus], document: str, page: int):
    folder, settings = corpus
    with pytest.raises(DataError, match="no such"):
        PageImages(folder, settings)(Image(document=document or ids(folder)[0], page=page))


def test_more_documents_than_are_kept_open_can_be_drawn(tmp_path: Path):
    pool = tmp_path / "pool"
    pool.mkdir()
    for number in range(12):
        document = pymupdf.open()
        document.new_page(width=100, height=100).insert_text((10, 50), f"n{number}")
        document.save(pool / f"{number:02}.pdf")
    settings = Corpus(path=str(pool))
    stage.run(settings, {}, tmp_path / "corpus", RunLog(tmp_path / "corpus"))
    pages = PageImages(tmp_path / "corpus", settings)
    images = [Image(document=name, page=0) for name in ids(tmp_path / "corpus")]
    first = [pages(image) for image in images]
    assert all((pages(image) == drawn).all() for image, drawn in zip(images, first, strict=True))

"""Pages that are kept are the pages that are drawn, in shards that other programs read."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from mmprolong.conversations import Image
from mmprolong.corpus import stage
from mmprolong.errors import DataError
from mmprolong.images.documents import Document, Selected
from mmprolong.images.kept_pages import kept_folder, open_kept, page_name, shard_file
from mmprolong.images.pages import CorpusPages
from mmprolong.images.prerendering import jobs_of, keep_pages
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from tests.working import run_stage, work_in

VIEW = View(dpi=50)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of two documents; the second page of each is a scan."""
    root = tmp_path_factory.mktemp("kept")
    (root / "pool").mkdir()
    grey = np.random.default_rng(0).integers(0, 255, (90, 60, 3)).astype(np.uint8)
    picture = pymupdf.Pixmap(pymupdf.csRGB, 60, 90, grey.tobytes(), False)
    for name in "ab":
        document = pymupdf.open()
        for page in range(3):
            shown = document.new_page(width=300, height=400)
            if page == 1:
                shown.insert_image(shown.rect, pixmap=picture)
            else:
                shown.insert_text((20, 60), f"Page {page} of document {name}. " * 2)
        document.save(root / "pool" / f"{name}.pdf")
    folder = root / "store" / "corpus" / "c"
    run_stage(stage, Corpus(path=str(root / "pool")), work_in(folder))
    return folder


def test_scans_and_slow_pages_are_kept_and_are_the_pages_that_are_drawn(corpus: Path, tmp_path: Path):
    documents = list(read_jsonl(corpus / "documents.jsonl", Document))
    images = [Image(f"pdf:{document.id}", page) for document in documents for page in range(3)]
    drawn = [CorpusPages(VIEW, Corpus(), corpus).pixels(image) for image in images]
    for slow, count in ((9.0, 2), (-1.0, 6)):
        folder = kept_folder(corpus, VIEW)
        assert keep_pages(jobs_of(corpus, None, VIEW, slow=slow), folder, width=1) == count
        kept = open_kept(corpus, VIEW)
        assert kept is not None and len(kept) == count
        found = [kept.pixels(image.source.removeprefix("pdf:"), image.index) for image in images]
        assert sum(page is not None for page in found) == count
        assert all((one == page).all() for one, page in zip(found, drawn, strict=True) if one is not None)
    shown = CorpusPages(VIEW, Corpus(), corpus)
    Path(corpus / "pool.txt").write_text("/nowhere")  # so that nothing can be drawn
    moved = CorpusPages(VIEW, Corpus(path="/nowhere"), corpus)
    assert all((moved.pixels(image) == page).all() for image, page in zip(images, drawn, strict=True))
    Path(corpus / "pool.txt").write_text(str(corpus.parents[2] / "pool"))
    cut = Image(images[1].source, 1, crop=(0.5, 0.5, 1.0, 1.0))
    assert shown.pixels(cut).shape[:2] == tuple(reversed(shown.size(cut)))


def test_shards_are_whole_tars_of_pages_by_name(corpus: Path, tmp_path: Path):
    folder = tmp_path / "pages"
    assert keep_pages(jobs_of(corpus, None, VIEW, slow=-1.0), folder, width=1, shard=1) == 6  # a shard a document
    documents = list(read_jsonl(corpus / "documents.jsonl", Document))
    for number, document in enumerate(documents):
        with tarfile.open(shard_file(folder, number)) as shard:
            names = shard.getnames()
            said = json.loads(shard.extractfile(names[1]).read())  # pyright: ignore
        assert names[::2] == [page_name(document.id, page) for page in range(3)]
        assert [name.split(".")[0] for name in names[::2]] == [name.split(".")[0] for name in names[1::2]]
        assert said == {"document": document.id, "page": 0, "width": 208, "height": 278}


def test_only_pages_that_are_selected_are_drawn(corpus: Path, tmp_path: Path):
    documents = list(read_jsonl(corpus / "documents.jsonl", Document))
    chosen = [Selected(document=documents[1].id, split="train", first_page=1, last_page=2)]
    write_jsonl(tmp_path / "selected.jsonl", chosen)
    (job,) = jobs_of(corpus, tmp_path, VIEW)
    assert (job.document, job.pages, job.scans) == (documents[1].id, (1, 2), {1})


def test_a_damaged_shard_is_named(corpus: Path):
    keep_pages(jobs_of(corpus, None, VIEW, slow=-1.0), kept_folder(corpus, VIEW), width=1)
    shard = shard_file(kept_folder(corpus, VIEW), 0)
    content = bytearray(shard.read_bytes())
    content[512:700] = bytes(188)
    shard.write_bytes(content)
    document = next(read_jsonl(corpus / "documents.jsonl", Document))
    with pytest.raises(DataError, match=r"page 1 of .*remove the folder"):
        CorpusPages(VIEW, Corpus(), corpus).pixels(Image(f"pdf:{document.id}", 0))

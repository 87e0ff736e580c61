import gzip
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from mmprolong.corpus.pool import locate
from mmprolong.errors import ConfigError
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import LARGEST_PAGE, find_renderer, pixel_size
from tests.corpus.pdfs import encrypt, write_pdf

BOTH = pytest.mark.parametrize("name", ["pymupdf", "pypdfium2"])
ARTICLE = locate("demo") / "glmnet" / "relax.pdf"
NO_PAGES = b"".join(
    [
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n",
        b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n",
        b"trailer<</Root 1 0 R/Size 3>>\nstartxref\n96\n%%EOF",
    ]
)
"""A whole file of no page: PDFium refuses it without a word."""


@BOTH
def test_a_page_has_the_size_that_is_known_beforehand(name: str, tmp_path: Path):
    document = pymupdf.open()
    for size in ((612, 792), (595.276, 841.89), (101.3, 7.7)):
        document.new_page(width=size[0], height=size[1])
    document.save(tmp_path / "sizes.pdf")
    with find_renderer(name).open(tmp_path / "sizes.pdf") as opened:
        for page, size in enumerate(opened.page_sizes):
            for dpi in (72, 97, 144):
                width, height = pixel_size(size, dpi)
                image = opened.render(page, dpi)
                assert image.shape == (height, width, 3) and image.dtype == np.uint8
                assert image.min() == 255, "a blank page is white to its edges"


@BOTH
@pytest.mark.parametrize("turn", [0, 90])
def test_the_share_of_a_page_that_is_no_text_is_known_without_drawing(name: str, turn: int, tmp_path: Path):
    with pymupdf.open() as document:
        for number in range(3):
            page = document.new_page(width=200, height=400)
            page.insert_text((20, 20), "Words.")
            if number:
                page.draw_rect(pymupdf.Rect(50, 100, 150, 300) if number > 1 else pymupdf.Rect(0, 50, 200, 51), fill=0)
            page.set_rotation(turn)
        document.save(tmp_path / "a.pdf")
    with find_renderer(name).open(tmp_path / "a.pdf") as opened:
        shares = [opened.picture_share(page) for page in range(3)]
    assert shares == pytest.approx([0.0, 0.0025, 0.25], abs=0.01)


@BOTH
def test_a_file_says_what_wrote_it_and_how_it_is_encrypted(name: str, tmp_path: Path):
    with pymupdf.open(ARTICLE) as document:
        document.set_metadata({"producer": "A program 1.0"})
        document.save(tmp_path / "open.pdf")
        document.save(tmp_path / "read.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="owner")  # pyright: ignore
    with find_renderer(name).open(tmp_path / "open.pdf") as opened:
        assert opened.properties() == ("A program 1.0", "")
    with find_renderer(name).open(tmp_path / "read.pdf") as opened:
        assert "R6" in opened.properties().encryption


@BOTH
def test_a_letter_page_at_144_dpi_is_1224_by_1584(name: str):
    with find_renderer(name).open(ARTICLE) as document:
        assert pixel_size(document.page_sizes[0], 144) == (1224, 1584)


def test_both_renderers_draw_and_measure_the_same_page():
    with find_renderer("pymupdf").open(ARTICLE) as one, find_renderer("pypdfium2").open(ARTICLE) as two:
        assert (one.id, one.page_sizes) == (two.id, two.page_sizes)
        assert [heading.title for heading in one.outline()] == [heading.title for heading in two.outline()]
        difference = one.thumbnail(3, 56).astype(int) - two.thumbnail(3, 56)
        assert np.abs(difference).mean() < 6
        assert np.corrcoef(one.thumbnail(3, 56).ravel(), two.thumbnail(3, 56).ravel())[0, 1] > 0.85


@BOTH
def test_text_of_a_rotated_page_stands_where_it_is_shown(name: str, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page(width=400, height=200)
    page.insert_text((20, 180), "Top", fontsize=12, rotate=90)
    page.set_rotation(90)
    document.save(tmp_path / "turned.pdf")
    with find_renderer(name).open(tmp_path / "turned.pdf") as opened:
        assert opened.page_sizes == ((200.0, 400.0),)
        dark = np.argwhere(opened.render(0, 72)[:, :, 0] < 128)
        line = opened.lines(0)[0]
    assert line.text == "Top"
    assert np.abs(dark.min(axis=0) - (line.box[1], line.box[0])).max() < 8
    assert np.abs(dark.max(axis=0) - (line.box[3], line.box[2])).max() < 8


@pytest.mark.parametrize(("turn", "packed"), [(0, {}), (90, {"use_objstms": 1}), (180, {"encryption": 5})])
def test_both_renderers_know_the_unit_of_a_page(turn: int, packed: dict[str, int], tmp_path: Path):
    document = pymupdf.open()
    for _ in range(2):
        page = document.new_page(width=300, height=400)
        page.insert_text((50, 100), "Title", fontsize=20)
        page.set_rotation(turn)
    document.set_toc([[1, "Title", 2, {"kind": 1, "page": 1, "to": pymupdf.Point(50, 85)}]])
    document.xref_set_key(page.xref, "UserUnit", "2")
    document.save(tmp_path / "a.pdf", **packed)
    path = tmp_path / "a.pdf"
    with find_renderer("pymupdf").open(path) as one, find_renderer("pypdfium2").open(path) as two:
        sizes = [(300, 400), (600, 800)]
        assert one.page_sizes == two.page_sizes == tuple(size[:: -1 if turn == 90 else 1] for size in sizes)
        assert one.render(1, 72).shape == two.render(1, 72).shape
        assert [heading.y for heading in one.outline()] == [heading.y for heading in two.outline()]
        ((small, large), others) = ([each.lines(page)[0] for page in (0, 1)] for each in (one, two))
    assert np.allclose(large.box, 2 * np.array(small.box), atol=0.2) and (small.size, large.size) == (20, 40)
    assert all(np.allclose(two.box, one.box, atol=8) for one, two in zip((small, large), others, strict=True))
    assert [line.size for line in others] == [20, 40]


@BOTH
def test_a_page_that_is_not_there_costs_itself_only(name: str, tmp_path: Path):
    with pymupdf.open() as document:
        for number in range(3):
            document.new_page(width=300, height=400).insert_text((50, 100), f"Page {number}")
        document.update_object(document[1].xref, "null")
        document.save(tmp_path / "a.pdf")
    with find_renderer(name).open(tmp_path / "a.pdf") as opened:
        assert len(opened.page_sizes) == 3
        assert [opened.lines(page)[0].text for page in (0, 2)] == ["Page 0", "Page 2"]


@BOTH
def test_a_page_that_only_another_library_counts_cannot_be_drawn(name: str):
    with find_renderer(name).open(ARTICLE) as opened, pytest.raises(Unreadable, match="rendering page 1000"):
        opened.render(999, 72)


@BOTH
def test_a_gzipped_pdf_is_the_same_document(name: str, tmp_path: Path):
    (tmp_path / "x.pdf.gz").write_bytes(gzip.compress(ARTICLE.read_bytes()))
    with find_renderer(name).open(tmp_path / "x.pdf.gz") as packed, find_renderer(name).open(ARTICLE) as plain:
        assert packed.id == plain.id


@BOTH
def test_a_huge_page_is_drawn_at_the_size_that_a_model_sees(name: str, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page(width=14000, height=7000)
    page.draw_rect((0, 0, 7000, 7000), fill=(0, 0, 0))
    document.xref_set_key(page.xref, "UserUnit", "10")
    document.save(tmp_path / "poster.pdf")
    with find_renderer(name).open(tmp_path / "poster.pdf") as opened:
        width, height = pixel_size(opened.page_sizes[0], 144)
        drawn = opened.render(0, 144)
    assert drawn.shape == (height, width, 3) and 0.99 < width * height / LARGEST_PAGE <= 1.001
    assert abs(width / height - 2) < 0.001
    assert abs((drawn[:, :, 0] < 128).mean() - 0.5) < 0.001


@BOTH
@pytest.mark.parametrize("content", [b"", b"no PDF at all", ARTICLE.read_bytes()[:200]])
def test_a_damaged_file_is_unreadable_not_a_traceback(name: str, content: bytes, tmp_path: Path):
    (tmp_path / "x.pdf").write_bytes(content)
    with pytest.raises(Unreadable) as caught, find_renderer(name).open(tmp_path / "x.pdf"):
        pass
    assert caught.value.reason in ("broken", "no pages", "not a PDF", "truncated")


@BOTH
def test_why_a_file_is_refused_does_not_depend_on_the_file_before(name: str, tmp_path: Path):
    encrypt(write_pdf(tmp_path / "locked.pdf"))
    (tmp_path / "empty.pdf").write_bytes(NO_PAGES)
    reasons = []
    for file in ("empty.pdf", "locked.pdf", "empty.pdf"):
        with pytest.raises(Unreadable) as raised, find_renderer(name).open(tmp_path / file):
            pass
        reasons.append(raised.value.reason)
    assert reasons[1] == "encrypted" and reasons[0] == reasons[2] != "encrypted"


def test_a_thumbnail_is_grey_between_paper_and_ink(tmp_path: Path):
    with find_renderer("pymupdf").open(ARTICLE) as document:
        thumbnail = document.thumbnail(0, 56)
    assert thumbnail.shape == (56, 56) and thumbnail.dtype == np.uint8
    assert len(np.unique(thumbnail)) > 30


def test_a_misspelt_renderer_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"view.renderer: 'pdfium' is unknown; did you mean 'pypdfium2'"):
        find_renderer("pdfium")

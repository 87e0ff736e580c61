from pathlib import Path

import pytest

from mmprolong.corpus.layout import blocks_of
from mmprolong.corpus.pool import locate
from mmprolong.corpus.rows import joined
from mmprolong.images.renderer import Line, find_renderer
from mmprolong.records import Block, Heading


def line(text: str, y: float, x: float = 50.0, **style: object) -> Line:
    known = {"size": 10.0, "font": "Serif", "bold": False, "mono": False, "group": int(y)} | style
    return Line(text=text, box=(x, y, x + 5 * len(text), y + 10), **known)  # type: ignore[arg-type]


def kinds(pages: list[list[Line]], outline: tuple[Heading, ...] = ()) -> list[list[tuple[str, str]]]:
    blocks = blocks_of("d", pages, [(600.0, 800.0)] * len(pages), outline)
    return [[(block.kind, block.text) for block in blocks if block.page == page] for page in range(len(pages))]


BODY = "Running text that is long enough to be what most of the document looks like."


def test_lines_that_repeat_at_the_edge_of_pages_are_headers_and_footers():
    pages = [[line(str(page + 1), 780), line(f"Journal {page}", 40), line(BODY, 300)] for page in range(3)]
    assert kinds(pages)[1] == [("header", "Journal 1"), ("paragraph", BODY), ("footer", "2")]


def test_a_heading_is_known_by_the_outline_whatever_its_type():
    outline = (Heading(title="Methods", level=1, page=0, y=190),)
    assert kinds([[line(BODY, 100), line("2 Methods", 200), line(BODY, 220)]], outline)[0][1] == (
        "section",
        "2 Methods",
    )


def test_without_an_outline_a_bold_short_line_is_a_heading_and_a_sentence_is_not():
    pages = [[line(BODY * 4, 100)], [line("2 Methods", 200, bold=True), line("It ends here.", 220, bold=True)]]
    assert kinds(pages)[1] == [("section", "2 Methods"), ("paragraph", "It ends here.")]


def test_a_caption_keeps_the_rest_of_its_block():
    lines = [line("Figure 3: Growth over", 100, group=1), line("time.", 112, group=1), line(BODY, 300)]
    assert kinds([lines])[0][0] == ("caption", "Figure 3: Growth over time.")


def test_code_keeps_its_lines():
    lines = [line("> x <- 1", 100, mono=True), line("> y", 111, mono=True), line(BODY, 300)]
    assert kinds([lines])[0][0] == ("code", "> x <- 1\n> y")


@pytest.mark.parametrize(
    ("texts", "known", "whole"),
    [
        (["the pack-", "age is"], frozenset(), "the package is"),
        (["the log-", "likelihood"], frozenset({"log-likelihood"}), "the log-likelihood"),
        (["pages 3-", "5"], frozenset(), "pages 3- 5"),
        (["Meyer-", "Ortmanns"], frozenset(), "Meyer- Ortmanns"),
    ],
)
def test_words_broken_at_the_end_of_a_line_are_mended(texts: list[str], known: frozenset[str], whole: str):
    assert joined(texts, known) == whole


@pytest.mark.parametrize("name", ["pymupdf", "pypdfium2"])
def test_both_renderers_find_the_headings_of_a_real_article(name: str):
    path = locate("demo") / "glmnet" / "relax.pdf"
    with find_renderer(name).open(path) as document:
        lines = [document.lines(page) for page in range(len(document.page_sizes))]
        blocks = blocks_of(document.id, lines, document.page_sizes, document.outline())
        titles = [heading.title for heading in document.outline()]
    found = [block.text for block in blocks if block.kind == "section"]
    assert [title for title in titles if title in found] == titles
    assert _prose(blocks).startswith("In this vignette, we describe how the glmnet package can be used to fit")


def _prose(blocks: list[Block]) -> str:
    start = next(index for index, block in enumerate(blocks) if block.text == "Introduction")
    return next(block.text for block in blocks[start:] if block.kind == "paragraph")


def test_headings_of_a_real_article_without_an_outline_are_found_by_their_type():
    path: Path = locate("demo") / "sandwich" / "sandwich.pdf"
    with find_renderer("pymupdf").open(path) as document:
        assert document.outline() == ()
        lines = [document.lines(page) for page in range(len(document.page_sizes))]
        blocks = blocks_of(document.id, lines, document.page_sizes, ())
    sections = [block.text for block in blocks if block.kind == "section"]
    assert "1. Introduction" in sections and "3.1. Dealing with heteroskedasticity" in sections
    assert len(sections) == 17, "all of its headings and nothing else"

from pathlib import Path

import pytest
from msgspec.structs import replace

from mmprolong.corpus.layout import blocks_of
from mmprolong.corpus.pool import locate
from mmprolong.corpus.rows import joined
from mmprolong.images.documents import Block, Heading
from mmprolong.images.renderer import Line, find_renderer


def line(text: str, y: float, x: float = 50.0, **style: object) -> Line:
    known = {"size": 10.0, "font": "Serif", "bold": False, "mono": False, "group": int(y)} | style
    return Line(text=text, box=(x, y, x + 5 * len(text), y + 10), **known)  # type: ignore[arg-type]


def kinds(pages: list[list[Line]], outline: tuple[Heading, ...] = ()) -> list[list[tuple[str, str]]]:
    blocks = blocks_of("d", pages, [(600.0, 800.0)] * len(pages), outline)
    return [[(block.kind, block.text) for block in blocks if block.page == page] for page in range(len(pages))]


def kind_of_line(text: str, **style: object) -> str:
    """Kind of a line in the middle of a page of text."""
    lines = [line(BODY, 100), line(text, 300, x=120.0, **style), line(BODY, 500)]
    return next(kind for kind, found in kinds([lines])[0] if found == text)


BODY = "Running text that is long enough to be what most of the document looks like."


def test_lines_that_repeat_at_the_edge_of_pages_are_headers_and_footers():
    pages = [[line(str(page + 1), 780), line(f"Journal {page}", 40), line(BODY, 300)] for page in range(3)]
    assert kinds(pages)[1] == [("header", "Journal 1"), ("paragraph", BODY), ("footer", "2")]


def test_a_running_title_that_changes_on_every_page_is_a_header_by_its_page_number():
    pages = [[line(f"{title} {page}", 40), line(BODY, 300)] for page, title in enumerate("ABCD", 11)]
    assert [found[0] for found in kinds(pages)] == [
        ("header", f"{title} {page}") for page, title in enumerate("ABCD", 11)
    ]


def test_a_running_title_of_two_pages_is_a_header():
    assert [found[0][0] for found in kinds([[line("A report", 40), line(BODY, 300)]] * 2)] == ["header", "header"]


def test_lines_of_text_near_an_edge_stay_text():
    pages = [[line(f"Line {page * 7} of a text", 60 + 12 * row) for row in range(50)] for page in range(4)]
    assert {kind for page in kinds(pages) for kind, _ in page} == {"paragraph"}


def test_first_lines_of_pages_that_stand_apart_but_say_nothing_in_common_stay_text():
    pages = [[line(f"{word} begins a page.", 60), line(BODY, 90)] for word in ("One", "Two", "Three", "Four")]
    assert {kind for page in kinds(pages) for kind, _ in page} == {"paragraph"}


def test_lines_of_contents_keep_their_words_and_page_numbers():
    printed = [
        line("2.1 Methods", 100),
        line(". . . . . . . . .", 100, x=130.0, group=7),
        line("14", 100, x=300.0, group=8),
    ]
    assert kinds([[*printed, line(BODY, 300)]])[0][0] == ("list", "2.1 Methods . . . . . . . . . 14")


@pytest.mark.parametrize(
    ("text", "style", "kind"),
    [
        ("い。", {}, "paragraph"),
        ("42", {}, "paragraph"),
        ("A note in Helvetica", {"font": "Helvetica"}, "paragraph"),
        ("y = a x + b", {"font": "CMMI10"}, "equation"),
        ("x", {"font": "CMMI10"}, "paragraph"),
        ("print(x)", {"mono": True}, "code"),
        ("パッケージのリスト", {"mono": True}, "paragraph"),
        ("• install", {"mono": True}, "list"),
    ],
)
def test_a_line_is_text_unless_there_is_a_sure_sign(text: str, style: dict[str, object], kind: str):
    assert kind_of_line(text, **style) == kind


def test_labels_of_a_figure_are_a_run_of_numbers_in_another_font():
    labels = [
        line(text, 100 + 12 * row, font="Helvetica", size=7) for row, text in enumerate(("0.0", "0.5", "1.0", "Age"))
    ]
    assert kinds([[*labels, line(BODY, 300)]])[0] == [("figure", "0.0 0.5 1.0 Age"), ("paragraph", BODY)]


def test_a_row_of_a_paragraph_that_is_only_a_command_is_prose():
    lines = [line(BODY, 100, group=1), line("print(x)", 112, mono=True, group=1), line("is run.", 124, group=1)]
    assert kinds([lines])[0] == [("paragraph", f"{BODY} print(x) is run.")]


def test_a_table_has_a_line_for_each_row():
    rows = [
        [line(text, y, x=x) for x, text in zip((50, 200, 350), row, strict=True)]
        for y, row in ((100, "abc"), (115, "def"))
    ]
    assert kinds([[*rows[0], *rows[1], line(BODY, 300)]])[0][0] == ("table", "a  b  c\nd  e  f")


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


def test_code_keeps_its_lines_and_its_indentation():
    shown = [("if x:", 50, 100), ("y = 1", 70, 112), ("else:", 50, 124), ("z = 2", 50, 148)]
    lines = [line(text, y, x, mono=True) for text, x, y in shown]
    assert kinds([[*lines, line(BODY, 300)]])[0][0] == ("code", "if x:\n    y = 1\nelse:\n\nz = 2")


@pytest.mark.parametrize(
    ("texts", "known", "whole"),
    [
        (["the pack-", "age is"], frozenset(), "the package is"),
        (["the log-", "likelihood"], frozenset({"log-likelihood"}), "the log-likelihood"),
        (["pages 3-", "5"], frozenset(), "pages 3- 5"),
        (["Meyer-", "Ortmanns"], frozenset(), "Meyer-Ortmanns"),
        (["neigh\u00ad", "bours"], frozenset(), "neighbours"),
        (["日本語の", "文章"], frozenset(), "日本語の文章"),
        (["한국어", "문장"], frozenset(), "한국어 문장"),
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


def test_footers_of_pages_that_lie_on_their_side_are_as_far_from_the_edge_as_those_of_others():
    for height, kind in ((612.0, "footer"), (540.0, "paragraph")):
        pages = [[line(BODY, 100), line(f"Features Page {page} of 3", height - 97)] for page in range(1, 4)]
        found = blocks_of("d", pages, [(790.0, height)] * 3, ())
        assert {block.kind for block in found if block.text.startswith("Features")} == {kind}


def test_a_line_with_a_lowered_letter_goes_on_in_the_next_one():
    tall = replace(line(BODY[:-1], 100), box=(50.0, 100.0, 430.0, 113.0))
    assert kinds([[tall, line("of it.", 110)]]) == [[("paragraph", f"{BODY[:-1]} of it.")]]


def test_korean_words_broken_at_a_line_end_are_known_by_their_whole():
    first = "이 하드웨어의 목록은 데비안 설치 프로그램을 지원하는 모든 컴퓨터와 하드웨어를 담은 목록이고 그 하드"
    lines = [line(first, 100, group=1), line("웨어의 목록은 다음", 112, group=1)]
    assert kinds([lines]) == [[("paragraph", f"{first}웨어의 목록은 다음")]]


def test_words_after_an_angle_bracket_are_words_of_their_own():
    assert joined(["The ⟨key⟩to ⟨a⟩s of \\cs⟨b⟩."], frozenset()) == "The ⟨key⟩ to ⟨a⟩s of \\cs⟨b⟩."

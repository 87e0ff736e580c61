"""Blocks of printed pages whose lines are easily put together wrongly, by both PDF libraries."""

from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest

from mmprolong.corpus.parsers.text_layer import TextLayer

SENTENCE = "The macro prints the number of the next example in running text, which is why"
Put = Callable[..., None]


@pytest.fixture(params=["pymupdf", "pypdfium2"])
def blocks(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Callable[[Put], None]], list[tuple[str, str]]]:
    """Returns kinds and texts of the blocks of a page on which something was put: x, y, text, font, size."""

    def read(draw: Callable[[Put], None]) -> list[tuple[str, str]]:
        document = pymupdf.open()
        page = document.new_page(width=600, height=800)

        def put(x: float, y: float, text: str, font: str = "tiro", size: float = 10.0) -> None:
            page.insert_text((x, y), text, fontname=font, fontsize=size)

        draw(put)
        document.save(tmp_path / "page.pdf")
        parser = TextLayer(request.param)
        with parser.open(tmp_path / "page.pdf") as opened:
            return [(block.kind, block.text) for block in parser.blocks(opened)]

    return read


def test_names_in_the_margin_stand_before_the_paragraph_beside_them(blocks):
    def draw(put: Put) -> None:
        for y, name in ((200, "\\Next"), (300, "\\Last")):
            put(150, y, SENTENCE)
            put(80, y, name, "cour")
            put(150, y + 12, "it is there.")

    paragraph = ("paragraph", f"{SENTENCE} it is there.")
    assert blocks(lambda put: (draw(put), put(150, 400, SENTENCE))) == [
        ("code", "\\Next"),
        paragraph,
        ("code", "\\Last"),
        paragraph,
        ("paragraph", SENTENCE),
    ]


def test_numbers_of_lines_are_no_part_of_the_text(blocks):
    def draw(put: Put) -> None:
        for row in range(6):
            if row % 2:
                put(80, 200 + 12 * row, str(row), size=6)
            put(150, 200 + 12 * row, SENTENCE)

    found = blocks(draw)
    assert [block for block in found if block[0] == "paragraph"] == [("paragraph", " ".join([SENTENCE] * 6))]
    assert [block for block in found if block[0] != "paragraph"] == [("margin", text) for text in "135"]


def test_numbered_rows_of_code_stay_rows(blocks):
    def draw(put: Put) -> None:
        put(150, 100, SENTENCE)
        for row, text in enumerate(("{", "\\item", "}", "{", "}"), 17):
            put(150, 12 * row, str(row), "helv", 5)
            put(165, 12 * row, text, "cour", 9)

    assert blocks(draw)[1] == ("code", "17 {\n18 \\item\n19 }\n20 {\n21 }")


def test_entries_of_contents_without_leaders_stay_apart(blocks):
    def draw(put: Put) -> None:
        for row, title in enumerate(("1 Introduction", "2 The modules")):
            put(100, 200 + 14 * row, title)
            put(480, 200 + 14 * row, str(row + 3))

    assert blocks(draw) == [("paragraph", "1 Introduction 3"), ("paragraph", "2 The modules 4")]


def test_lines_that_end_early_stay_apart_and_those_of_a_paragraph_do_not(blocks):
    def draw(put: Put) -> None:
        for row, text in enumerate(("Institute of Applied Statistics", "Peter Street 82", "1190 Vienna")):
            put(100, 200 + 12 * row, text)
        put(100, 300, SENTENCE)
        put(100, 312, "it ends here.")
        put(100, 324, SENTENCE)

    assert [text for _, text in blocks(draw)] == [
        "Institute of Applied Statistics",
        "Peter Street 82",
        "1190 Vienna",
        f"{SENTENCE} it ends here.",
        SENTENCE,
    ]


def test_items_whose_first_lines_hang_out_stay_apart(blocks):
    def draw(put: Put) -> None:
        for row in range(2):
            put(100, 200 + 24 * row, SENTENCE)
            put(112, 212 + 24 * row, SENTENCE[4:-5])

    assert [text for _, text in blocks(draw)] == [f"{SENTENCE} {SENTENCE[4:-5]}"] * 2


def test_marks_drawn_after_all_items_stand_before_their_own(blocks):
    def draw(put: Put) -> None:
        for row, text in enumerate(("How can I type?", "Will you help?")):
            put(120, 200 + 14 * row, text)
        for row in range(2):
            put(110, 200 + 14 * row, "·")

    assert blocks(draw) == [("list", "· How can I type?"), ("list", "· Will you help?")]


def test_columns_drawn_line_by_line_have_no_known_order(blocks):
    def draw(put: Put) -> None:
        for row in range(4):
            put(100, 200 + 12 * row, "imeetsia vvidu, kotorye osnovy")
            put(300, 200 + 12 * row, "the foundations of which it is")

    assert {kind for kind, _ in blocks(draw)} == {"mixed"}


def test_cells_of_several_lines_have_no_known_order(blocks):
    def draw(put: Put) -> None:
        put(100, 200, "Feature")
        put(200, 200, "Setting that is the")
        put(200, 212, "default of each")
        put(350, 202, "Example of it")
        put(350, 214, "and another")
        put(100, 300, SENTENCE)

    assert blocks(draw)[-1] == ("paragraph", SENTENCE)
    assert "mixed" in {kind for kind, _ in blocks(draw)}


def test_an_address_broken_at_a_line_end_has_no_space(blocks):
    def draw(put: Put) -> None:
        put(100, 200, f"{SENTENCE} http://www.")
        put(100, 212, "example.org/index has it.")

    assert blocks(draw)[0][1] == f"{SENTENCE} http://www.example.org/index has it."


def test_words_inside_a_figure_are_none_of_the_text(blocks):
    def draw(put: Put) -> None:
        put(100, 100, SENTENCE)
        for x, y, label in ((120, 300, "Min"), (120, 200, "Max"), (140, 310, "sigma"), (240, 310, "prior")):
            put(x, y, label, "helv", 12)
        put(100, 340, "Figure 2: Diagnostic plot of the results.")
        put(100, 400, SENTENCE)

    found = blocks(draw)
    assert [kind for kind, _ in found] == ["paragraph", "figure", "caption", "paragraph"]
    assert found[1][1] == "Min Max sigma prior"


def test_a_hooked_arrow_ends_a_row_of_code_that_goes_on(blocks):
    def draw(put: Put) -> None:
        put(100, 100, SENTENCE)
        put(100, 200, "install language=fr", "cour")
        put(220, 200, "←-", "japan")
        put(112, 212, "country=FR", "cour")

    assert blocks(draw)[1:] == [("code", "install language=fr ↩\n  country=FR")]


def test_paragraphs_are_parted_by_their_distance_or_the_indentation_of_their_first_lines(blocks):
    def draw(put: Put) -> None:
        for y, text in ((100, SENTENCE), (112, SENTENCE[:-9] + "is so."), (129, "If " + SENTENCE), (141, "it ends.")):
            put(100, y, text)
        for y, text in ((200, SENTENCE[:-9] + "is so."), (212, SENTENCE[:-9] + "is so.")):
            put(112, y, text)
        put(100, 224, SENTENCE)

    end = SENTENCE[:-9] + "is so."
    found = [text for _, text in blocks(draw)]
    assert found == [f"{SENTENCE} {end}", f"If {SENTENCE} it ends.", end, f"{end} {SENTENCE}"]


def test_a_hanging_second_line_goes_on_after_a_sentence(blocks):
    def draw(put: Put) -> None:
        put(100, 200, SENTENCE + ".")
        put(120, 212, "Statistical Methods, 10(4).")

    assert blocks(draw) == [("paragraph", f"{SENTENCE}. Statistical Methods, 10(4).")]


def test_full_lines_of_notes_of_one_line_go_on(blocks):
    def draw(put: Put) -> None:
        put(115, 200, SENTENCE + " it is so and")
        put(100, 210, "Policy Manual, 8.4.")
        for row, text in enumerate(("See the symbols.", "See the issue.", "See the wiki.", "See the rest.")):
            put(115, 220 + 10 * row, text)

    assert blocks(draw)[0][1] == f"{SENTENCE} it is so and Policy Manual, 8.4."


def test_full_lines_of_an_item_far_apart_go_on_and_a_paragraph_below_an_item_does_not(blocks):
    def draw(put: Put) -> None:
        put(100, 200, "·")
        put(108, 200, SENTENCE)
        put(108, 216, SENTENCE[:-9])
        put(100, 232, "·")
        put(108, 232, "reiserfs")
        put(108, 248, SENTENCE)

    items = [("list", f"· {SENTENCE} {SENTENCE[:-9]}"), ("list", "· reiserfs")]
    assert blocks(draw) == [*items, ("paragraph", SENTENCE)]


def test_dashes_before_quotes_begin_items(blocks):
    def draw(put: Put) -> None:
        for row, name in enumerate(("“search” lists packages", "“show” describes one")):
            put(100, 200 + 12 * row, f"–{name}", "china-s")

    assert blocks(draw) == [("list", "–“search” lists packages"), ("list", "–“show” describes one")]


def test_a_path_broken_at_a_dot_has_no_space(blocks):
    def draw(put: Put) -> None:
        put(100, 200, f"{SENTENCE} debian/libfoo1.")
        put(100, 212, "symbols is written and/or")
        put(100, 224, "read.")

    assert blocks(draw)[0][1] == f"{SENTENCE} debian/libfoo1.symbols is written and/or read."


def test_most_rows_of_code_may_have_a_blank_line_between(blocks):
    def draw(put: Put) -> None:
        put(100, 100, SENTENCE)
        for y, text in ((200, "> n"), (212, "> run(n)"), (233, "test"), (254, "data: n"), (275, "> n"), (287, "> n")):
            put(100, y, text, "cour")

    assert blocks(draw)[1:] == [("code", "> n\n> run(n)\n\ntest\n\ndata: n\n\n> n\n> n")]


def test_columns_of_code_stay_rows(blocks):
    def draw(put: Put) -> None:
        put(100, 100, SENTENCE)
        for row, name in enumerate(("set(rightmost)", "set(rightward)", "set(rightmove)", "set(rightness)")):
            put(100, 200 + 11 * row, name, "cour")
            put(220, 200 + 11 * row, f"{{Bin}}{{MSA}}{{0{row}}}", "cour")

    kind, text = blocks(draw)[1]
    assert kind == "code"
    assert text.splitlines()[3] == "set(rightness)      {Bin}{MSA}{03}"

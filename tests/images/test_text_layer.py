"""The text layer is what a page shows, in both libraries, and outline targets are where they are displayed."""

from itertools import product
from pathlib import Path

import pymupdf
import pytest
from matplotlib import font_manager

from mmprolong.images.printed_text import Glyph, clean, logical
from mmprolong.images.renderer import find_renderer

BOTH = pytest.mark.parametrize("name", ["pymupdf", "pypdfium2"])
FONT = str(font_manager.findfont("DejaVu Sans"))


def texts(name: str, path: Path) -> list[str]:
    with find_renderer(name).open(path) as opened:
        return [line.text for line in opened.lines(0)]


def saved(document: pymupdf.Document, path: Path) -> Path:
    document.save(path)
    return path


@BOTH
def test_hidden_layers_white_and_invisible_text_are_no_text(name: str, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.insert_text((72, 92), "What is the height?")
    page.insert_text((72, 122), "four metres", oc=document.add_ocg("answers", on=False))
    page.insert_text((72, 152), "A hint.", oc=document.add_ocg("hints", on=True))
    page.insert_text((72, 182), "Invisible.", render_mode=3)
    page.insert_text((72, 212), "White.", color=(1, 1, 1))
    page.draw_rect((60, 225, 300, 245), fill=(0, 0, 0.5))
    page.insert_text((72, 242), "White on blue.", color=(1, 1, 1))
    assert texts(name, saved(document, tmp_path / "x.pdf")) == ["What is the height?", "A hint.", "White on blue."]


@BOTH
def test_two_languages_of_which_one_is_off_are_one(name: str, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 92), "English words", oc=document.add_ocg("en", on=True))
    page.insert_text((72, 92), "Worte auf Deutsch", oc=document.add_ocg("de", on=False))
    assert texts(name, saved(document, tmp_path / "x.pdf")) == ["English words"]


@BOTH
def test_text_outside_the_visible_box_is_no_text(name: str, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.insert_text((72, 20), "Cropped away.")
    page.insert_text((72, 400), "Seen.")
    page.insert_text((580, 500), "sticks out")
    page.set_cropbox(pymupdf.Rect(0, 50, 600, 780))
    assert texts(name, saved(document, tmp_path / "x.pdf")) in (["Seen.", "stic"], ["Seen.", "stick"])


@BOTH
def test_annotations_and_form_values_that_are_drawn_are_text(name: str, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.insert_text((72, 92), "Name:")
    page.add_freetext_annot(pymupdf.Rect(72, 320, 300, 350), "A reader's note")
    page.add_freetext_annot(pymupdf.Rect(72, 400, 300, 430), "A hidden note").set_flags(pymupdf.PDF_ANNOT_IS_HIDDEN)
    field = pymupdf.Widget()
    field.field_name, field.field_type = "name", pymupdf.PDF_WIDGET_TYPE_TEXT  # pyright: ignore
    field.rect, field.field_value = pymupdf.Rect(72, 360, 300, 385), "Filled in"
    page.add_widget(field)
    assert texts(name, saved(document, tmp_path / "x.pdf")) == ["Name:", "A reader's note", "Filled in"]


@BOTH
def test_a_font_that_draws_nothing_is_no_text(name: str, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 92), "Printed.")
    empty = document.get_new_xref()
    document.update_object(empty, "<<>>")
    document.update_stream(empty, b"600 0 0 0 0 0 d1")
    font = document.get_new_xref()
    widths = " ".join(["600"] * 26)
    glyphs = " ".join(f"/{chr(code)} {empty} 0 R" for code in range(97, 123))
    names = " ".join(f"/{chr(code)}" for code in range(97, 123))
    document.update_object(
        font,
        f"<</Type/Font/Subtype/Type3/Name/Ghost/FontBBox[0 0 1000 1000]/FontMatrix[0.001 0 0 0.001 0 0]/FirstChar 97"
        f"/LastChar 122/Widths[{widths}]/CharProcs<<{glyphs}>>/Encoding<</Type/Encoding/Differences[97 {names}]>>>>",
    )
    resources = int(document.xref_get_key(page.xref, "Resources")[1].split()[0])
    fonts = document.xref_get_key(resources, "Font")[1]
    document.xref_set_key(resources, "Font", fonts.replace("<<", f"<</Ghost {font} 0 R", 1))
    contents = page.get_contents()[0]
    document.update_stream(contents, document.xref_stream(contents) + b"\nBT /Ghost 12 Tf 72 600 Td (ghost) Tj ET")
    assert texts(name, saved(document, tmp_path / "x.pdf")) == ["Printed."]


@BOTH
def test_text_drawn_twice_is_read_once_and_double_letters_stay(name: str, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page()
    for shift in (0, 0.3):
        page.insert_text((72 + shift, 92), "All still", fontsize=12)
    for shift in (0, 1):
        page.insert_text((72 + shift, 152 + shift), "Shadow", fontsize=12)
    page.insert_text((72, 212), "Some of it is", fontsize=12)
    page.insert_text((72 + pymupdf.get_text_length("Some of it ", fontsize=12), 212.2), "is bold.", fontsize=12)
    assert " ".join(texts(name, saved(document, tmp_path / "x.pdf"))) == "All still Shadow Some of it is bold."


@BOTH
def test_right_to_left_text_is_read_from_the_right(name: str, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page()
    writer, font = pymupdf.TextWriter(page.rect), pymupdf.Font(fontfile=FONT)
    writer.append((72, 60), "שלום עולם", font, 12, right_to_left=True)
    writer.append((72, 90), "مرحبا بالعالم", font, 12, right_to_left=True)
    writer.write_text(page)
    assert texts(name, saved(document, tmp_path / "x.pdf")) == ["שלום עולם", "مرحبا بالعالم"]


@BOTH
def test_format_characters_do_not_part_words(name: str, tmp_path: Path):
    document = pymupdf.open()
    printed = "con\u00adsid\u00ader\u00adate zero\u200bwidth join\u200der \u200emark\u200f \ufeffend"
    document.new_page().insert_text((72, 92), printed, fontname="dv", fontfile=FONT)
    assert texts(name, saved(document, tmp_path / "x.pdf")) == ["considerate zerowidth joiner mark end"]


@BOTH
def test_glyphs_that_the_file_does_not_name_are_unknown(name: str, tmp_path: Path):
    document = pymupdf.open()
    document.new_page().insert_text((72, 92), "The committee met.", fontname="dv", fontfile=FONT)
    for xref in range(1, document.xref_length()):
        if document.xref_get_key(xref, "ToUnicode")[0] == "xref":
            document.xref_set_key(xref, "ToUnicode", "null")
    (line,) = texts(name, saved(document, tmp_path / "x.pdf"))
    assert set(line) <= {"\ufffd", " "} and line.count("\ufffd") > 10


_TARGETS = {
    "/XYZ 102 600 null": {0: 170, 90: 52, 180: 500, 270: 458},
    "/XYZ null 600 null": {0: 170, 90: 0, 180: 500, 270: 0},
    "/FitH 600": {0: 170, 90: 0, 180: 500, 270: 0},
    "/FitV 102": {0: 0, 90: 52, 180: 0, 270: 458},
    "/FitR 102 500 300 600": {0: 170, 90: 52, 180: 500, 270: 458},
    "/Fit": {0: 0, 90: 0, 180: 0, 270: 0},
}
"""y as displayed by rotation, of a page of 600 x 800 pt cropped by 50 pt at the left and 30 pt at the top."""


@BOTH
@pytest.mark.parametrize(("rotation", "named"), [*product((0, 90, 180, 270), (False, True))])
def test_outline_targets_count_from_the_top_as_displayed(name: str, rotation: int, named: bool, tmp_path: Path):
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.set_cropbox(pymupdf.Rect(50, 30, 560, 700))
    page.set_rotation(rotation)
    document.set_toc([[1, target, 1] for target in _TARGETS])
    names = []
    for number, (target, entry) in enumerate(zip(_TARGETS, document.get_toc(simple=False), strict=True)):
        explicit = f"[{page.xref} 0 R {target}]"
        names.append(f"(n{number}) {explicit}")
        document.xref_set_key(entry[3]["xref"], "A", "null")
        document.xref_set_key(entry[3]["xref"], "Dest", f"(n{number})" if named else explicit)
    document.xref_set_key(document.pdf_catalog(), "Names", f"<</Dests <</Names [{' '.join(names)}]>>>>")
    with find_renderer(name).open(saved(document, tmp_path / "x.pdf")) as opened:
        found = {heading.title: heading.y for heading in opened.outline()}
    assert found == {target: places[rotation] for target, places in _TARGETS.items()}


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("Universit´ e de M´etro, Bj¨ork, na¨ıve", "Université de Métro, Björk, naïve"),
        ("Franc¸ois Erd˝os, th`ese", "François Erdős, thèse"),
        ("ˇCech and ¨Uber", "Čech and Über"),
        ("a ´ b, `quoted' and 1˙ 2", "a ´ b, `quoted' and 1˙ 2"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_accents_stand_on_their_letters(printed: str, read: str):
    assert clean(printed) == read


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("דגבא", "אבגד"),
        ("123 בא", "אב 123"),
        ("(בא)", "(אב)"),
        ("see בא, page 3", "see אב, page 3"),
    ],
)
def test_a_printed_line_is_read_in_its_own_direction(printed: str, read: str):
    assert logical([Glyph(letter, x, x + 1.0) for x, letter in enumerate(printed)]) == read

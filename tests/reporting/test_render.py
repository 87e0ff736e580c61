import csv
import io
import re

import pytest
from rich.console import Console

from mmprolong.reporting.tables.model import Column, Table, TableCell
from mmprolong.reporting.tables.paper_tables import paper_table
from mmprolong.reporting.tables.published import signed
from mmprolong.reporting.tables.render import (
    latex_text,
    markdown_text,
    print_table,
    to_csv,
    to_html,
    to_latex,
    to_markdown,
)

TABLE = Table(
    name="odd",
    title="R&D <arms>",
    caption="100 % of a_b",
    columns=[
        Column.words("arm", ["a|b_c", "x*y"]),
        Column.of("score", [TableCell(text="7.20", value=7.2, best=True), TableCell(text="−0.50", value=-0.5)]),
        Column.of(
            "Δ",
            [TableCell(), TableCell(text="+7.20 [−0.1, +9.9]", value=7.2, low=-0.1, high=9.9, symbol=" ns")],
            "delta",
        ),
        Column.of("published score", [TableCell(text="50.00", value=50.0), TableCell()], "paper"),
    ],
    notes=("a note with 5 % & <b>",),
)


def test_numbers_are_printed_as_written():
    """A sign, a trailing zero: what a library that re-reads numbers loses."""
    file = io.StringIO()
    shown = Console(width=200, file=file, force_terminal=False)
    print_table(shown, TABLE)
    for text in (to_markdown(TABLE), to_html(TABLE), file.getvalue()):
        assert "+7.20 [−0.1, +9.9]" in text and "50.00" in text and "−0.50" in text
    assert "+7.20 [$-$0.1, +9.9]" in to_latex(TABLE)


@pytest.mark.parametrize("width", [60, 30])
def test_a_narrow_terminal_shows_every_number_whole(width: int):
    file = io.StringIO()
    shown = Console(width=width, file=file, force_terminal=False)
    print_table(shown, TABLE)
    text = file.getvalue()
    assert "…" not in text and "7.20" in text and "50.00" in text
    assert max(map(len, text.splitlines())) <= width
    assert text.count("x*y") == (1 if width == 60 else 3) and "+7.20 [−0.1, +9.9] ns" in text


@pytest.mark.parametrize("width", [80, 60, 40])
@pytest.mark.parametrize("name", ["mm_niah", "extraction_ratio", "training_setup"])
def test_a_wide_table_is_split_and_names_its_rows_in_every_part(name: str, width: int):
    file = io.StringIO()
    shown = Console(width=width, file=file, force_terminal=False)
    table = paper_table(name)
    print_table(shown, table)
    text = file.getvalue()
    assert "…" not in text and max(map(len, text.splitlines())) <= width
    parts = text.count("────\n") + text.count("──── \n")
    assert parts > 1 and all(len(re.findall(rf"^ *{row[0].text} ", text, re.MULTILINE)) == parts for row in table.rows)
    if name == "mm_niah":
        assert all(f" {cell.text} " in text for row in table.rows for cell in row[1:])


def test_latex_takes_no_text_for_an_option_of_the_line_above():
    columns = [Column.words(f"[{key}]", ["[a]", "*b", "c"]) for key in "ab"]
    lines = to_latex(Table(name="t", title="t", columns=columns)).splitlines()
    assert [line for line in lines if line.endswith(r"\\")] == [
        r"{}[a] & [b] \\",
        r"{}[a] & [a] \\",
        r"{}*b & *b \\",
        r"c & c \\",
    ]


@pytest.mark.parametrize("text", ["a|b", "*a*", "_a_", "`a`", "<script>", "[a](b)", "$a_$", "~a~", "&lt;", "# a", "\\"])
def test_markdown_shows_text_as_it_is(text: str):
    escaped = markdown_text(text)
    assert escaped != text and re.sub(r"\\(\W|_)", r"\1", escaped) == text
    for plain in ("a_b", "8_2 [95 %]", "1–2 points; see #3", "R&D", "+1.2 [−0.1, +9.9]"):
        assert markdown_text(plain) == plain


def test_a_missing_value_is_a_dash_everywhere():
    assert next(csv.DictReader(io.StringIO(to_csv(TABLE))))["delta"] == "-"
    assert " | - | " in to_markdown(TABLE)
    assert "<td>-</td>" in to_html(TABLE) and " & - & " in to_latex(TABLE)


def test_csv_holds_numbers_and_the_ends_of_intervals():
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert rows[1] == {
        "arm": "x*y",
        "score": "-0.5",
        "delta": "7.2",
        "delta_low": "-0.1",
        "delta_high": "9.9",
        "paper": "-",
    }


def test_every_markdown_line_has_the_same_columns():
    lines = [line for line in to_markdown(TABLE).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {5}
    assert r"a\|b_c" in lines[2] and r"x\*y" in lines[3] and "**7.20**" in lines[2]


def test_latex_escapes():
    text = to_latex(TABLE)
    assert r"R\&D" in text and r"100 \% of a\_b" in text and r"\textbf{7.20}" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {3}


def test_html_escapes():
    text = to_html(TABLE)
    assert "R&amp;D &lt;arms&gt;" in text and "<b>" not in text
    assert "<strong>7.20</strong>" in text


@pytest.mark.parametrize(("value", "text"), [(1.25, "+1.2"), (-0.04, "+0.0"), (-3.0, "−3.0")])
def test_a_difference_has_a_sign_and_no_negative_nothing(value: float, text: str):
    assert signed(value) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("λ ≤ 2", r"$\lambda$ $\le$ 2"), ("a|b", r"a\textbar{}b"), ("é ü", "é ü"), ("中", "[U+4E2D]"), ("o\u0308", "ö")],
)
def test_latex_has_every_letter_or_its_code(text: str, expected: str):
    assert latex_text(text) == expected

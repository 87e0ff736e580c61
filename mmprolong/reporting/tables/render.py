"""A `Table` on the terminal and as Markdown, LaTeX, CSV, HTML and JSON: text as it is, nothing re-reads numbers."""

import csv
import html
import io
import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.styled import Styled
from rich.table import Table as RichTable
from rich.text import Text

from mmprolong.reporting.tables.model import MISSING, Table, TableCell
from mmprolong.store.atomic import write_file

_SYMBOLS = ["pm", "approx", "times", "to", "dagger", "ddagger", "le", "ge", "ne", "infty", "cdot", "Delta"]
_SYMBOLS += ["alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "kappa", "lambda", "mu", "sigma", "tau"]
_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    **{letter: rf"$\{name}$" for letter, name in zip("±≈×→†‡≤≥≠∞·Δαβγδεηθκλμστ", _SYMBOLS, strict=True)},
    "−": "$-$",
    "\\": r"\textbackslash{}",
    "|": r"\textbar{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    "…": r"\dots{}",
    "\u00a0": "~",
}
_MARKDOWN = re.compile(
    r"""[|*\\`<>$~]        # anywhere
    | (?<!\w)_ | _(?!\w)   # but not in a_b
    | \](?=[(\[:])         # the end of what a link shows
    | &(?=\#?\w+;)         # an entity
    | (?<![^\n])\#         # a heading
    """,
    re.VERBOSE,
)


_SENTENCE = 24
"""Text longer than this may be broken into lines of the terminal [characters]."""
_GAP = 2
"""Between two columns, and at both edges together [characters]."""


def print_table(console: Console, table: Table) -> None:
    """Print a table in as many parts as the terminal needs: no number is cut, and each part names the rows."""
    cells = [[cell_len(cell.text + cell.symbol) for cell in column.cells] for column in table.columns]
    words = [map(cell_len, column.title.split(" ")) for column in table.columns]  # a title is broken between them
    widths, room = [max(*each, *others) for each, others in zip(cells, words, strict=True)], console.width - _GAP
    console.print(Text(table.title, style="bold"))
    for part in _parts(table, widths, room):
        made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        for index in part:
            column, width = table.columns[index], widths[index]
            made.add_column(
                "\n".join(textwrap.wrap(column.title, width)),
                justify="right" if column.numeric else "left",
                vertical="bottom",
                overflow="fold",
                width=width if column.numeric and width <= room else None,
            )
        for row in table.rows:
            made.add_row(*(Styled(row[at].text + row[at].symbol, "bold" if row[at].best else "") for at in part))
        console.print(made)
    console.print(Text("\n".join(table.notes), style="dim"))


def _parts(table: Table, widths: Sequence[int], room: int) -> list[list[int]]:
    """Return the columns of each part, as many as fit; the first column stands in each."""
    numeric = (column.numeric for column in table.columns)
    least = [each if number else min(each, _SENTENCE) for each, number in zip(widths, numeric, strict=True)]
    parts = [[0]]
    for index in range(1, len(least)):
        if len(parts[-1]) > 1 and sum(least[at] + _GAP for at in (*parts[-1], index)) - _GAP > room:
            parts.append([0])
        parts[-1].append(index)
    return parts


def write_table(table: Table, stem: Path) -> dict[str, Path]:
    """Write `<stem>.md`, `.tex`, `.csv` and `.html`, their folder too; returns the paths by ending."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    formats = {"md": to_markdown, "tex": to_latex, "csv": to_csv, "html": to_html}
    return {ending: write_file(stem.with_name(f"{stem.name}.{ending}"), to(table)) for ending, to in formats.items()}


def to_markdown(table: Table) -> str:
    """Return GitHub's Markdown."""
    head, *rows = _texts(table, markdown_text, "**{}**")
    rule = ["--:" if column.numeric else "---" for column in table.columns]
    body = [f"| {' | '.join(line)} |" for line in (head, rule, *rows)]
    caption = [markdown_text(table.caption), ""] if table.caption else []
    notes = [f"- {markdown_text(note)}" for note in table.notes]
    return "\n".join([f"### {markdown_text(table.title)}", "", *caption, *body, "", *notes]).rstrip() + "\n"


def to_latex(table: Table) -> str:
    """Return a `table*` environment; it needs the packages booktabs and graphicx."""
    # a line that begins like an option of the rule or row above it does so behind an empty group
    lines = [" & ".join(line) + r" \\" for line in _texts(table, latex_text, r"\textbf{{{}}}")]
    head, *rows = ("{}" + line if line.startswith(("[", "*")) else line for line in lines)
    words = latex_text(" ".join(table.notes))
    return "\n".join(
        [
            r"\begin{table*}[t]",
            r"\centering\small",
            rf"\caption{{{latex_text(f'{table.title}. {table.caption}'.strip())}}}",
            rf"\label{{tab:{table.name}}}",
            r"\resizebox{\textwidth}{!}{%",
            rf"\begin{{tabular}}{{{''.join('lr'[column.numeric] for column in table.columns)}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}}",
            *([rf"\par\smallskip{{\raggedright\footnotesize {words}\par}}"] if words else []),
            r"\end{table*}" + "\n",
        ]
    )


def to_csv(table: Table) -> str:
    """Return the numbers behind the cells; `<key>_sd`, `<key>_low` and `<key>_high` follow where cells have them."""
    columns: list[list[object]] = []
    for column in table.columns:
        texts = (cell.text if cell.value is None else _number(cell.value) for cell in column.cells)
        columns.append([column.key, *texts])
        for part in ("sd", "low", "high"):
            values = [getattr(cell, part) for cell in column.cells]
            if any(value is not None for value in values):
                columns.append([f"{column.key}_{part}", *map(_number, values)])
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(zip(*columns, strict=True))
    return file.getvalue()


def to_json(table: Table) -> dict[str, Any]:
    """Return a table for programs: a row an object; a cell with a number is an object of all that is known of it."""
    rows = [
        {column.key: _json_cell(cell, column.numeric) for column, cell in zip(table.columns, row, strict=True)}
        for row in table.rows
    ]
    said = {"name": table.name, "title": table.title, "caption": table.caption, "comparisons": table.comparisons}
    return {**said, "rows": rows, "notes": list(table.notes)}


def to_html(table: Table) -> str:
    """Return a `<figure>` with the table, its caption and notes; no style of its own."""
    kinds = ["" if column.numeric else ' class="text"' for column in table.columns]
    head, *rows = _texts(table, html.escape, "<strong>{}</strong>")
    head, *body = (
        f"<tr>{''.join(f'<{tag}{kind}>{text}</{tag}>' for kind, text in zip(kinds, line, strict=True))}</tr>"
        for tag, line in [("th", head), *(("td", row) for row in rows)]
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    caption = html.escape(f"{table.title}. {table.caption}".strip())
    return (
        f'<figure class="table"><figcaption>{caption}</figcaption><div class="wide"><table>\n'
        f"<thead>{head}</thead>\n<tbody>{''.join(body)}</tbody>\n</table></div>"
        f'<ul class="notes">{notes}</ul></figure>\n'
    )


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is: no tag, link, formula, emphasis or heading begins in it."""
    return _MARKDOWN.sub(r"\\\g<0>", text)


def latex_text(text: str) -> str:
    """Return text that pdflatex shows as it is; a letter that it has not by itself stands as its code."""
    letters = unicodedata.normalize("NFC", text)
    return "".join(_LATEX.get(each) or (each if ord(each) < 0x180 else f"[U+{ord(each):04X}]") for each in letters)


def _texts(table: Table, escape: Callable[[str], str], best: str) -> Iterator[list[str]]:
    """Yield the titles, then the cells row by row, escaped; `best` is the form of the best of a column."""
    yield [escape(column.title) for column in table.columns]
    for row in table.rows:
        yield [(best if cell.best else "{}").format(escape(cell.text)) + escape(cell.symbol) for cell in row]


def _json_cell(cell: TableCell, numeric: bool) -> Any:
    if not numeric and cell.value is None:
        return cell.text + cell.symbol
    known = {part: getattr(cell, part) for part in ("value", "low", "high", "sd")}
    return {part: number for part, number in known.items() if number is not None} | {"text": cell.text + cell.symbol}


def _number(value: float | None) -> object:
    return MISSING if value is None else round(value, 6)

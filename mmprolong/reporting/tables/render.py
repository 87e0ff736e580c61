"""A `Table` as Markdown, LaTeX, CSV, HTML and on the terminal. Text is printed as it is: nothing re-reads numbers."""

import csv
import html
import io
import re
from collections.abc import Iterable
from itertools import pairwise

from mmprolong.reporting.tables.fitting import Fitting
from mmprolong.reporting.tables.table import CSV, MISSING, PRINT, Cell, Column, Table

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "≈": r"$\approx$",
    "×": r"$\times$",
    "→": r"$\to$",
    "β": r"$\beta$",
    "–": "--",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
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


def to_markdown(table: Table) -> str:
    """GitHub's Markdown, which has one line of headings."""
    table = table.shown(PRINT)
    titles = [markdown_text(column.flat or column.title) for column in table.columns]
    body = [[_markdown_cell(cell) for cell in row] for row in table.rows]
    widths = [max(3, *(len(line[index]) for line in [titles, *body])) for index in range(len(titles))]
    rule = [
        "-" * (width - 1) + ":" if column.numeric else "-" * width
        for width, column in zip(widths, table.columns, strict=True)
    ]
    lines = [_markdown_line(line, widths, table.columns) for line in [titles, rule, *body]]
    notes = [f"- {markdown_text(note)}" for note in table.footnotes]
    head = [f"### {markdown_text(table.title)}", "", *([markdown_text(table.caption), ""] if table.caption else [])]
    return "\n".join([*head, *lines, "", *notes]).rstrip() + "\n"


def to_latex(table: Table) -> str:
    """A `table*` environment; needs the packages booktabs and graphicx."""
    table = table.shown(PRINT)
    spec = "".join("r" if column.numeric else "l" for column in table.columns)
    groups = _latex_groups(table) if any(name for name, _ in table.groups) else []
    titles = _latex_line(_latex_text(column.title) for column in table.columns)
    rows = [_latex_line(map(_latex_cell, row)) for row in table.rows]
    words = _latex_text(" ".join(table.footnotes))
    notes = [rf"\par\smallskip{{\raggedright\footnotesize {words}\par}}"] if words else []
    caption = _latex_text(f"{table.title}. {table.caption}".strip())
    lines = [
        r"\begin{table*}[t]",
        r"\centering\small",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{table.name}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{spec}}}",
        r"\toprule",
        *groups,
        titles,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}}",
        *notes,
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """The numbers behind the cells; `<key>_sd`, `<key>_low` and `<key>_high` follow a column whose cells have them."""
    table = table.shown(CSV)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    further = [_further([row[index] for row in table.rows]) for index in range(len(table.columns))]
    writer.writerow(
        name
        for column, more in zip(table.columns, further, strict=True)
        for name in (column.key, *(f"{column.key}_{part}" for part in more))
    )
    for row in table.rows:
        writer.writerow(value for cell, more in zip(row, further, strict=True) for value in _csv_values(cell, more))
    return file.getvalue()


def to_html(table: Table, directions: bool = True) -> str:
    """A `<figure>` with the table, its caption and notes; no style of its own.

    Args:
        directions: whether the comparisons with the paper stand among the notes.
    """
    table = table.shown(PRINT)
    heads = [f"<tr>{_html_groups(table)}</tr>"] if any(name for name, _ in table.groups) else []
    starts = _starts(table)
    titles = "".join(
        _html_tag("th", column, start, column.title) for column, start in zip(table.columns, starts, strict=True)
    )
    heads.append(f"<tr>{titles}</tr>")
    rows = [_html_row(table.columns, starts, row) for row in table.rows]
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    lines = table.footnotes if directions else table.notes
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in lines)
    caption = html.escape(f"{table.title}. {table.caption}".strip())
    return (
        f'<figure class="table"><figcaption>{caption}</figcaption><div class="wide"><table>\n'
        f"<thead>{''.join(heads)}</thead>\n<tbody>{body}</tbody>\n</table></div>"
        f'<ul class="notes">{notes}</ul></figure>\n'
    )


def to_rich(table: Table) -> Fitting:
    """For the terminal; where it is too narrow columns are printed below the ones before, each time with the first."""
    return Fitting(table.shown(PRINT))


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is: no tag, link, formula, emphasis or heading begins in it."""
    return _MARKDOWN.sub(r"\\\g<0>", text)


def _markdown_cell(cell: Cell) -> str:
    text = markdown_text(cell.text)
    return (f"**{text}**" if cell.best else text) + markdown_text(cell.mark)


def _markdown_line(cells: list[str], widths: list[int], columns: tuple[Column, ...]) -> str:
    placed = [
        cell.rjust(width) if column.numeric else cell.ljust(width)
        for cell, width, column in zip(cells, widths, columns, strict=True)
    ]
    return f"| {' | '.join(placed)} |"


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _latex_cell(cell: Cell) -> str:
    text = rf"\textbf{{{_latex_text(cell.text)}}}" if cell.best else _latex_text(cell.text)
    return text + (rf"\,{_latex_text(cell.mark.strip())}" if cell.mark else "")


def _latex_line(cells: Iterable[str]) -> str:
    """A row; one that begins like an option of the rule or row above it does so behind an empty group."""
    line = " & ".join(cells) + r" \\"
    return "{}" + line if line.startswith(("[", "*")) else line


def _latex_groups(table: Table) -> list[str]:
    """The row of group headings and the rules below them."""
    cells, rules, first = [], [], 1
    for name, span in table.groups:
        cells.append(rf"\multicolumn{{{span}}}{{c}}{{{_latex_text(name)}}}")
        if name:
            rules.append(rf"\cmidrule(lr){{{first}-{first + span - 1}}}")
        first += span
    return [" & ".join(cells) + r" \\", " ".join(rules)]


def _further(cells: list[Cell]) -> list[str]:
    """The numbers besides the value that a column has."""
    return [part for part in ("sd", "low", "high") if any(getattr(cell, part) is not None for cell in cells)]


def _csv_values(cell: Cell, more: list[str]) -> list[object]:
    first = cell.text if cell.value is None else _number(cell.value)
    return [first, *(_number(getattr(cell, part)) for part in more)]


def _number(value: float | None) -> object:
    return MISSING if value is None else round(value, 6)


def _starts(table: Table) -> list[bool]:
    """Whether a column begins a new group, so that a line is drawn before it."""
    return [False, *(one.group != other.group for one, other in pairwise(table.columns))]


def _html_groups(table: Table) -> str:
    cells, starts = [], False
    for name, span in table.groups:
        cells.append(f'<th colspan="{span}" class="group{" start" if starts else ""}">{html.escape(name)}</th>')
        starts = True
    return "".join(cells)


def _html_row(columns: tuple[Column, ...], starts: list[bool], row: tuple[Cell, ...]) -> str:
    placed = zip(columns, starts, row, strict=True)
    return "".join(_html_tag("td", column, start, _html_cell(cell)) for column, start, cell in placed)


def _html_tag(tag: str, column: Column, start: bool, content: str) -> str:
    names = " ".join(name for name, on in (("text", not column.numeric), ("start", start)) if on)
    shown = html.escape(content) if tag == "th" else content
    return f'<{tag} class="{names}">{shown}</{tag}>' if names else f"<{tag}>{shown}</{tag}>"


def _html_cell(cell: Cell) -> str:
    text = f"<strong>{html.escape(cell.text)}</strong>" if cell.best else html.escape(cell.text)
    return text + (f'<span class="mark">{html.escape(cell.mark)}</span>' if cell.mark else "")

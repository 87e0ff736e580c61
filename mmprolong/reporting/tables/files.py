"""A `Table` as files: one a format."""

from pathlib import Path

from mmprolong.reporting.tables.render import to_csv, to_html, to_latex, to_markdown
from mmprolong.reporting.tables.table import Table
from mmprolong.store.atomic import write_file

_FORMATS = {"md": to_markdown, "tex": to_latex, "csv": to_csv, "html": to_html}
"""By the ending of the file."""


def write_table(table: Table, stem: Path) -> dict[str, Path]:
    """Write `<stem>.md`, `.tex`, `.csv` and `.html`, their folder too; returns the paths by ending.

    Raises:
        OSError: a file cannot be written.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    return {ending: write_file(stem.with_name(f"{stem.name}.{ending}"), to(table)) for ending, to in _FORMATS.items()}

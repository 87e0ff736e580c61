"""The text of a page as an OCR target."""

from mmprolong.synthesis.parsed_document import ParsedDocument

TRANSCRIBED = ("title", "section", "paragraph", "list", "table", "caption", "code")
RULES = (
    "Include titles, headings, paragraphs, lists, tables, captions and code; leave out displayed formulas, text inside "
    "figures, and running headers and footers."
)


def transcript(parsed: ParsedDocument, page: int) -> str:
    """Return the transcribed blocks of a page in reading order, a blank line between two."""
    return "\n\n".join(block.text for block in parsed.blocks if block.page == page and block.kind in TRANSCRIBED)

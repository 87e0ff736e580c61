"""The text of a page as an OCR target."""

from collections.abc import Sequence

from mmprolong.synthesis.parsed_document import ParsedDocument

TRANSCRIBED = ("title", "section", "paragraph", "list", "table", "caption", "code")
RULES = (
    "Include titles, headings, paragraphs, lists, tables, captions and code; leave out displayed formulas, text inside "
    "figures, numbers of lines in the margin, and running headers and footers."
)


def transcript(parsed: ParsedDocument, page: int) -> str:
    """Return the transcribed blocks of a page in reading order, a blank line between two."""
    return "\n\n".join(block.text for block in parsed.blocks if block.page == page and block.kind in TRANSCRIBED)


def named_pages(parsed: ParsedDocument, pages: Sequence[int]) -> str:
    """Return pages as questions name them: 'pages 3, 5 and 12'."""
    numbers = [parsed.number(page) for page in pages]
    return f"page {numbers[0]}" if len(numbers) == 1 else f"pages {', '.join(numbers[:-1])} and {numbers[-1]}"

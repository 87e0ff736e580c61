"""Documents of a few blocks, for the tests of what is written on them."""

from collections.abc import Sequence

from mmprolong.images.documents import Block, Document, Heading
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.segments import Segment


def made(
    pages: Sequence[Sequence[tuple[str, str]]], outline: tuple[Heading, ...] = (), printed: bool = False
) -> ParsedDocument:
    """A document of (kind, text) blocks."""
    blocks = [
        Block(
            document="d" * 64,
            page=page,
            kind=kind,
            box=(0, 40.0 * order, 100, 40.0 * order + 20),
            text=text,
            order=order,
        )
        for page, parts in enumerate(pages)
        for order, (kind, text) in enumerate(parts)
    ]
    sizes = ((600.0, 800.0),) * len(pages)
    return ParsedDocument(Document(id="d" * 64, source="d.pdf", page_sizes=sizes, outline=outline), blocks, printed)


def whole(parsed: ParsedDocument) -> Segment:
    return Segment(document=parsed.document.id, first_page=0, last_page=parsed.document.pages - 1, anchor="")

"""Documents of a pool: their pages, outlines and layout blocks, and the runs of pages that may be used."""

from dataclasses import dataclass, field, replace

import msgspec

from mmprolong.conversations import Box

TEXT_LAYER = "text layer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One PDF of the pool, opened and measured."""

    id: str
    """SHA-256 of the file's content (after gunzip), hex."""
    source: str
    """Path relative to the pool's folder."""
    licence: str = "unknown"
    origin: str = ""
    """Where it was published, as the pool's manifest says: an address, or the name of a collection."""
    language: str = "und"
    """ISO 639-1; `und`: unknown; `zxx`: the text layer is no language."""
    producer: str = ""
    """Program that wrote the file, as the file says."""
    encryption: str = ""
    """Method, of a file that opens without a password; empty: none."""
    text_share: float = 0.0
    """Share of its pages whose text layer is their content."""
    first_page: int = 0
    """Index in the file of its first page: of a window of a longer document, not 0."""
    page_sizes: tuple[tuple[float, float], ...] = ()
    """Width and height of each page [pt], as displayed (rotation applied)."""
    outline: tuple["Heading", ...] = ()
    text_digest: str = ""
    """SHA-256 of the whole normalised text; empty if there is little."""
    unusable: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Pages, from 0, whose text layer is no text, by the reason: no Unicode map, no language. They have no blocks."""

    @property
    def pages(self) -> int:
        """Number of pages."""
        return len(self.page_sizes)

    @property
    def key(self) -> str:
        """Short name of its own among all documents and windows."""
        return self.id[:16] + (f"-{self.first_page + 1}" if self.first_page else "")

    def window(self, first: int, last: int) -> "Document":
        """Return a run of its pages, both inclusive, as a document whose pages are counted from 0 again."""
        inside = (heading for heading in self.outline if first <= heading.page <= last)
        return replace(
            self,
            first_page=self.first_page + first,
            page_sizes=self.page_sizes[first : last + 1],
            outline=tuple(replace(heading, page=heading.page - first) for heading in inside),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """One page of a document, looked at without rendering it."""

    document: str
    page: int
    characters: int
    """Characters of its text layer, spaces aside."""
    letters: float
    """Share of them that are letters or digits."""
    shows: str = "text"
    """`text`; `image`, a page without a usable text layer; `blank`; `unreadable`."""
    role: str = ""
    """`contents`, `references`, or empty."""
    agreement: float = 1.0
    """Of its text layer with OCR, in [0, 1], where they were compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A run of pages of one document that may be used, and for what."""

    document: str
    split: str
    """`train` or `heldout`."""
    first_page: int = 0
    last_page: int = -1
    """Inclusive, index from 0; -1: the document's last."""
    cluster: str = ""
    """Id that it shares with its near-duplicates, all of one split."""
    skipped: tuple[int, ...] = ()
    """Pages of the file that are shown, but no question is about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """One entry of a document's outline."""

    title: str
    level: int
    """1 is the top level."""
    page: int
    """Index from 0."""
    y: float
    """Distance from the top of the page [pt]; titles on one page are ordered by it."""


class Block(msgspec.Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """One layout block of a page, in reading order. Stored as a list of its fields: there are 36 a page."""

    document: str
    page: int
    kind: str
    """title, section, paragraph, table, figure, caption, header, footer, equation, list, code, margin (numbers of
    lines) or mixed (its reading order is not known)."""
    box: Box
    """[pt]"""
    text: str
    order: int
    """Reading order on the page, from 0."""
    origin: str = TEXT_LAYER
    """Reader of the text: `text layer`, or the name of an OCR engine."""
    confidence: float = 1.0
    """Of the reader, in [0, 1]."""

    def moved(self, pages: int) -> "Block":
        """Return it with its page counted from another page on: that of a window's first."""
        return msgspec.structs.replace(self, page=self.page - pages)

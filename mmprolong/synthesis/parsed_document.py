"""A document as its questions see it: sections, captions, sentences, each with its page."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mmprolong.conversations import Image, Pages
from mmprolong.images.documents import Block, Document, Heading
from mmprolong.synthesis import titles
from mmprolong.synthesis.page_numbers import UNNUMBERED, printed_numbers

_CAPTION = re.compile(r"^(Figure|Table) (\d+)[:.]\s+(.+)$", re.S)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"(])")
_ABBREVIATED = re.compile(r"(?:\b(?:e\.g|i\.e|al|cf|vs|resp|etc|Fig|Eq|Sec|pp?|No|Dr|Prof|approx|[A-Z])\.)$")
_LONGEST_HEADING = 150
_SLACK = 8.0
"""An outline's target may lie this far below the top of what it points at [pt]."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the text under it, its subsections included."""

    title: str
    """As printed, with its number."""
    level: int
    first_page: int
    last_page: int
    parent: int
    """Index of the enclosing section; -1 at the top."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A block of running text and its place."""

    text: str
    page: int
    section: int
    """Index of the innermost section; -1 before the first."""
    kind: str


@dataclass(frozen=True, slots=True)
class Caption:
    """A figure's or table's label and its text."""

    label: str
    """'Figure 3'."""
    text: str
    page: int
    section: int


@dataclass(frozen=True)
class ParsedDocument:
    """One document, read."""

    document: Document
    blocks: Sequence[Block]
    """In reading order, page by page."""
    printed: bool = False
    """Pages are named by the numbers printed on them; else they are counted from 1."""
    cluster: str = ""
    """Unit of dependence that it belongs to; empty: the file."""
    skipped: frozenset[int] = frozenset()
    """Pages that are shown, but no question is about them."""
    is_cut: bool = False
    """An example shows these pages instead of all that were selected."""
    goes_on: bool = False
    """The file has pages after the last: its last sections may go on there."""

    def window(self, first: int, last: int) -> "ParsedDocument":
        """Return pages `first` to `last` as a document of their own: its pages are counted anew."""
        inside = range(first, last + 1)
        return replace(
            self,
            document=self.document.window(first, last),
            blocks=[block.moved(first) for block in self.blocks if block.page in inside],
            skipped=frozenset(page - first for page in self.skipped if page in inside),
            is_cut=True,
            goes_on=self.goes_on or last < self.document.pages - 1,
        )

    def pages(self) -> Pages:
        """Return all pages as they are shown."""
        return Pages(self.source, self.document.first_page, self.document.first_page + self.document.pages - 1)

    def image(self, page: int) -> Image:
        """Return one page as it is shown."""
        return Image(self.source, self.document.first_page + page)

    @property
    def source(self) -> str:
        """Name of the file in conversations."""
        return f"pdf:{self.document.id}"

    @property
    def name(self) -> str:
        """Beginning of the ids of its examples."""
        first, last = self.document.first_page + 1, self.document.first_page + self.document.pages
        return f"{self.document.id[:16]}@{first}-{last}" if self.is_cut else self.document.key

    def number(self, page: int) -> str:
        """Return the number of a page, as questions name it."""
        return self._numbers.get(page, UNNUMBERED) if self.printed else str(page + 1)

    def span(self, first: int, last: int) -> str:
        """Return a run of pages, as questions name it: 'pages 3-12'."""
        return f"page {self.number(first)}" if first == last else f"pages {self.number(first)}-{self.number(last)}"

    @cached_property
    def _numbers(self) -> dict[int, str]:
        return printed_numbers(self.blocks)

    @cached_property
    def headings(self) -> list[tuple[int, int, str]]:
        """Index of its block, level and title of every heading: those that are printed, then the outline's others."""
        levels: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        for heading in self.document.outline:
            levels[heading.page].append((titles.letters(heading.title), heading.level))
        found = {
            index: (titles.level_of(block.text, levels[block.page], levels[block.page - 1]), block.text)
            for index, block in enumerate(self.blocks)
            if block.kind == "section" and len(block.text) < _LONGEST_HEADING
        }
        printed: defaultdict[int, list[str]] = defaultdict(list)
        for index, (_, title) in found.items():
            printed[self.blocks[index].page].append(titles.unnumbered(title))
        for heading in self.document.outline:
            title = titles.unnumbered(heading.title)
            if any(titles.alike(other, title) for other in printed[heading.page]):
                continue
            index = self._block_at(heading)
            if index < len(self.blocks) and title not in printed[self.blocks[index].page]:
                found.setdefault(index, (heading.level, heading.title))
        return [(index, level, title) for index, (level, title) in sorted(found.items())]

    @cached_property
    def sections(self) -> list[Section]:
        """Every section, in order."""
        found: list[Section] = []
        open_sections: list[int] = []
        for number, (index, level, title) in enumerate(self.headings):
            while open_sections and found[open_sections[-1]].level >= level:
                open_sections.pop()
            parent = open_sections[-1] if open_sections else -1
            found.append(Section(title, level, self.blocks[index].page, self._end(number, level), parent))
            open_sections.append(number)
        return found

    @cached_property
    def passages(self) -> list[Passage]:
        """Paragraphs and list items, by section."""
        places = self._places
        return [
            Passage(block.text, block.page, places[index], block.kind)
            for index, block in enumerate(self.blocks)
            if block.kind in ("paragraph", "list")
        ]

    @cached_property
    def captions(self) -> list[Caption]:
        """Figures and tables whose label is used by one caption only."""
        found = []
        for index, block in enumerate(self.blocks):
            match = _CAPTION.match(block.text) if block.kind == "caption" else None
            if match:
                found.append(Caption(f"{match[1]} {match[2]}", match[3], block.page, self._places[index]))
        labels = Counter(caption.label for caption in found)
        return [caption for caption in found if labels[caption.label] == 1]

    @cached_property
    def unordered(self) -> frozenset[int]:
        """Pages with text whose reading order is not known."""
        return frozenset(block.page for block in self.blocks if block.kind == "mixed")

    @cached_property
    def page_texts(self) -> list[str]:
        """All that is printed on each page, normalised by `plain`."""
        texts: dict[int, list[str]] = defaultdict(list)
        for block in self.blocks:
            texts[block.page].append(block.text)
        return [plain("\n".join(texts[page])) for page in range(self.document.pages)]

    def complete(self, label: str) -> bool:
        """Tell whether the captions of this label ('Figure') are numbered 1, 2, 3, ...: then none was missed."""
        numbers = [int(caption.label.split()[1]) for caption in self.captions if caption.label.startswith(label)]
        return bool(numbers) and sorted(numbers) == list(range(1, len(numbers) + 1))

    def children(self, index: int) -> list[int]:
        """Return the direct subsections of a section; none if there is a sign that one was missed, or cut."""
        found = [number for number, section in enumerate(self.sections) if section.parent == index]
        levels = {self.sections[number].level for number in found}
        if levels != {self.sections[index].level + 1} or not self._gapless(found) or not self.is_closed(index):
            return []
        told = self._outlined.get(titles.unnumbered(self.sections[index].title), len(found))
        cut = any(titles.is_cut(self.sections[number].title) for number in found)
        return [] if cut or told != len(found) else found

    def is_closed(self, index: int) -> bool:
        """Tell whether all of a section is shown: another one follows, or the file ends."""
        level = self.sections[index].level
        return not self.goes_on or any(other.level <= level for other in self.sections[index + 1 :])

    def is_sure(self, index: int) -> bool:
        """Tell whether a heading is a section's for sure: whole, placed by outline or number, not of the document."""
        section = self.sections[index]
        others = (other.level > section.level for other in self.sections[1:])
        is_title = index == section.first_page == 0 and not titles.NUMBER.match(section.title) and all(others)
        return section.level < titles.DEEP and not is_title and not titles.is_cut(section.title)

    def _gapless(self, siblings: Sequence[int]) -> bool:
        matches = [titles.NUMBER.match(self.sections[number].title) for number in siblings]
        last = [match[1].rpartition(".")[2] for match in matches if match]
        return not last or last == [str(number) for number in range(1, len(siblings) + 1)]

    def within(self, index: int, ancestor: int) -> bool:
        """Tell whether section `index` is `ancestor` or lies in it."""
        while index >= 0 and index != ancestor:
            index = self.sections[index].parent
        return index == ancestor

    def anchor(self, section: int, page: int) -> str:
        """Return the words that name a place: its section if the title is whole and unique, else its page."""
        title = self.sections[section].title if section >= 0 else ""
        if title and not titles.is_cut(title) and self._titles[titles.letters(title)] == 1:
            return f'in the section "{title}"'
        return f"on {self.span(page, page)}"

    @cached_property
    def _titles(self) -> Counter[str]:
        times: Counter[str] = Counter()
        for section in self.sections:
            times.update({titles.letters(section.title), titles.unnumbered(section.title)})
        return times | Counter(titles.letters(heading.title) for heading in self.document.outline)

    @cached_property
    def _outlined(self) -> dict[str, int]:
        return titles.subsections_by_title(self.document.outline)

    @cached_property
    def _places(self) -> list[int]:
        places, current = [], -1
        starts = {index: number for number, (index, _, _) in enumerate(self.headings)}
        for index in range(len(self.blocks)):
            current = starts.get(index, current)
            places.append(current)
        return places

    def _block_at(self, heading: Heading) -> int:
        """Return the index of the first block under a heading, by (page, y)."""
        place = (heading.page, heading.y - _SLACK)
        below = (
            n
            for n, block in enumerate(self.blocks)
            if (block.page, block.box[1]) >= place and block.kind not in ("header", "footer")
        )
        return next(below, len(self.blocks))

    def _end(self, number: int, level: int) -> int:
        following = next((index for index, other, _ in self.headings[number + 1 :] if other <= level), None)
        if following is None:
            return self.document.pages - 1
        page = self.blocks[following].page
        body = [block for block in self.blocks[:following] if block.page == page and block.kind != "header"]
        return page if body else max(page - 1, self.blocks[self.headings[number][0]].page)


def sentences(text: str) -> Iterator[str]:
    """Yield the whole sentences of a block; those that begin or end on another page are left out."""
    held = ""
    for piece in _SENTENCE_END.split(text):
        held = f"{held} {piece}".strip()
        if _ABBREVIATED.search(held):
            continue
        if held[:1].isupper() and held[-1:] in ".!?":
            yield held
        held = ""


def plain(text: str) -> str:
    """Return text in lower case with single spaces and no quotation marks, to compare two printings of one wording."""
    return " ".join(re.sub(r"[“”\"‘’'`]", "", text).lower().split())

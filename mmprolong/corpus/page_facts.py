"""Facts of pages from their layout; only pages without text are drawn, a few and small.

Pages with text are drawn where they are used: one that hangs would take its document along here.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from mmprolong.images.file_content import Unreadable
from mmprolong.images.renderer import OpenDocument
from mmprolong.records import Block, PageFacts

SIDE = 32
"""Side of the thumbnails by which pages are judged [px]."""
_USABLE = 50
"""Characters of a page whose text layer is its content; fewer are the page number of a picture."""
_SAMPLE = 8
"""Pages without text that are drawn; more of them until one shows something."""
_INK = 0.001
"""Mean darkness below which a page is blank, its characters aside."""
_CHARACTER = 15
"""Most ink of a character [pt²]."""
_REFERENCES = re.compile(
    r"(?:\W|\d|[ivx]+\b)*(?:references?|bibliography|literature(?: cited)?|works cited|literatur\w*|bibliogra\w+|"
    r"r[ée]f[ée]rences|参考文献|参考資料)\W*$",
    re.I,
)
_CONTENTS = re.compile(
    r"(?:\W|\d)*(?:(?:table of )?contents|list of (?:figures|tables)|index|inhalt\w*|sommaire|"
    r"table des mati[èe]res|目录|目次|차례)\W*$",
    re.I,
)
_LEADERS = re.compile(r"(?:[.·…] ?){4,}\s*[\divxlc]+\b|(?:[.·…] ?){8,}")
_SHARE = 0.5
"""Share of a page's characters that make its role."""


def facts_of(document: OpenDocument, blocks: Sequence[Block]) -> tuple[list[PageFacts], list[np.ndarray]]:
    """Return the facts of all pages, and the thumbnails of those that were drawn for want of text."""
    pages = len(document.page_sizes)
    text = [""] * pages
    for page, group in groupby(blocks, key=lambda block: block.page):
        text[page] += "".join("".join(block.text.split()) for block in group)
    roles = _roles(blocks)
    facts = [_fact(document.id, page, text[page], roles.get(page, "")) for page in range(pages)]
    thumbnails = list(_look_at_pictures(document, facts))
    return facts, thumbnails


def _fact(document: str, page: int, text: str, role: str) -> PageFacts:
    shows = "text" if len(text) >= _USABLE else "image"
    letters = round(sum(map(str.isalnum, text)) / max(len(text), 1), 3)
    return PageFacts(document=document, page=page, characters=len(text), letters=letters, shows=shows, role=role)


def _look_at_pictures(document: OpenDocument, facts: list[PageFacts]) -> Iterator[np.ndarray]:
    """Set what pages without text show; yields their thumbnails."""
    found = any(fact.shows == "text" for fact in facts)
    for number, fact in enumerate([fact for fact in facts if fact.shows == "image"]):
        if number >= _SAMPLE and found:
            return
        drawn = _drawn(document, fact.page)
        if drawn is None:
            facts[fact.page] = replace(fact, shows="unreadable")
            continue
        width, height = document.page_sizes[fact.page]
        darkness = float((drawn.max() - drawn).mean()) / 255
        if darkness < _INK + fact.characters * _CHARACTER / max(width * height, 1):
            facts[fact.page] = replace(fact, shows="blank")
        else:
            found = True
            yield drawn


def _drawn(document: OpenDocument, page: int) -> np.ndarray | None:
    try:
        return document.thumbnail(page, SIDE)
    except Unreadable:
        return None


def _roles(blocks: Sequence[Block]) -> dict[int, str]:
    """Return the role of the pages that consist of references or of lines of contents."""
    characters: Counter[int] = Counter()
    parts: dict[str, Counter[int]] = {"contents": Counter(), "references": Counter()}
    section = ""
    for block in blocks:
        if block.kind in ("section", "title"):
            section = "references" if _REFERENCES.match(block.text) else ""
            section = section or ("contents" if _CONTENTS.match(block.text) else "")
        characters[block.page] += len(block.text)
        leaders = sum(len(line) for line in block.text.splitlines() if _LEADERS.search(line))
        parts["contents"][block.page] += max(leaders, len(block.text) if section == "contents" else 0)
        parts["references"][block.page] += len(block.text) if section == "references" else 0
    return {
        page: role
        for role, found in parts.items()
        for page, count in found.items()
        if count > _SHARE * max(characters[page], 1)
    }

"""Facts of pages from their layout, without rendering them; only documents without any text are drawn, small.

A page that hangs while it is drawn would take its document along.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from mmprolong.corpus.kinds import may_have_leaders
from mmprolong.images.documents import TEXT_LAYER, Block, PageFacts
from mmprolong.images.file_content import Unreadable
from mmprolong.images.renderer import OpenDocument
from mmprolong.images.shingles import without_signs

SIDE = 32
"""Side of the thumbnails by which documents without text are judged [px]."""
_USABLE = 50
"""Characters of a page whose text layer is its content; fewer are the page number of a picture."""
_SAMPLE = 8
"""Pages of a document without text that are drawn; more of them until one shows something."""
_PICTURE = 0.02
"""Share of a page that is no text below which a page with little text is blank: rules, logos."""
_FLAT = 6
"""Difference of grey levels below which a drawn page shows nothing."""
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
_LEADERS = re.compile(r"[.·…] ?(?:[.·…] ?){3}(?:(?:[.·…] ?)*\s*[\divxlc]+\b|(?:[.·…] ?){4})")
_SHARE = 0.5
"""Share of a page's characters that make its role."""


def facts_of(document: OpenDocument, blocks: Sequence[Block]) -> tuple[list[PageFacts], list[np.ndarray]]:
    """Return the facts of all pages, and thumbnails of the first pages of a document without text."""
    pages = len(document.page_sizes)
    text = [""] * pages
    agreement = [1.0] * pages
    for page, group in groupby(blocks, key=lambda block: block.page):
        for block in group:
            text[page] += "".join(block.text.split())
            if block.origin == TEXT_LAYER:
                agreement[page] = block.confidence
    roles = _roles(blocks)
    facts = [_fact(document, page, text[page], roles.get(page, ""), agreement[page]) for page in range(pages)]
    return facts, [] if any(text) else list(_thumbnails(document, facts))


def _fact(document: OpenDocument, page: int, text: str, role: str, agreement: float) -> PageFacts:
    shows = "text"
    if len(text) < _USABLE:
        shows = "image" if document.picture_share(page) >= _PICTURE else "blank"
    letters = round(len(without_signs(text)) / max(len(text), 1), 3)
    return PageFacts(
        document=document.id,
        page=page,
        characters=len(text),
        letters=letters,
        shows=shows,
        role=role,
        agreement=agreement,
    )


def _thumbnails(document: OpenDocument, facts: list[PageFacts]) -> Iterator[np.ndarray]:
    """Yield the first pages that show something; corrects what is known of those that are drawn for it."""
    found = 0
    for fact in list(facts):
        if fact.page >= _SAMPLE and found:
            return
        drawn = _drawn(document, fact.page)
        if drawn is None:
            facts[fact.page] = replace(fact, shows="unreadable")
        elif drawn.max() - drawn.min() < _FLAT:
            facts[fact.page] = replace(fact, shows="blank")
        else:
            facts[fact.page] = replace(fact, shows="image")
            found += 1
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
        lines = block.text.splitlines() if may_have_leaders(block.text) else ()
        leaders = sum(len(line) for line in lines if _LEADERS.search(line))
        parts["contents"][block.page] += max(leaders, len(block.text) if section == "contents" else 0)
        parts["references"][block.page] += len(block.text) if section == "references" else 0
    return {
        page: role
        for role, found in parts.items()
        for page, count in found.items()
        if count > _SHARE * max(characters[page], 1)
    }

"""Documents and windows that may be used: of the wanted length, through the filters, no copy of another."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import msgspec
import numpy as np

from mmprolong import plugins
from mmprolong.images.documents import Document, PageFacts
from mmprolong.images.pool_ledger import KEPT, read_ledger
from mmprolong.selection.filters import Filter
from mmprolong.selection.windows import Window, runs, windows
from mmprolong.settings.knobs import Selection
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet

T = TypeVar("T")
_FILTERS = "mmprolong.selection.filters"
OUTSIDE = "outside the windows"
UNDRAWN = "cannot be drawn"
_DIGITS = 16
"""Digits of a digest that are compared first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One document of the corpus: what of it may be used, or why nothing."""

    row: int
    """Place among the documents of the corpus."""
    document: str
    source: str
    pages: int
    windows: tuple[Window, ...] = ()
    reason: str = ""
    """Why none is used."""
    detail: str = ""
    refused: tuple[tuple[Window, str], ...] = ()
    """Windows that are not used though others are, and why."""
    skipped: tuple[int, ...] = ()
    """Pages that no question is about."""
    undrawn: tuple[int, ...] = ()
    """Pages that could be read but not drawn."""


def candidates(
    settings: Selection, corpus: Path, undrawn: Mapping[str, Collection[int]] = MappingProxyType({})
) -> Iterator[Candidate]:
    """Yield every document of the corpus, in order; of copies of one text the first may be used.

    No window holds a page that failed: a document is used in the runs of pages between such.

    Args:
        undrawn: pages that could be read but not drawn, by the document's id.
    """
    filters: list[Filter] = [plugins.make(_FILTERS, choice, "selection.filters") for choice in settings.filters]
    file = corpus / "documents.jsonl"
    repeated, first = _repeated_texts(file), dict[str, str]()
    documents = zip(read_jsonl(file, Document), _readable(corpus), strict=True)
    for row, ((document, readable), pages) in enumerate(_with_pages(settings, corpus, documents)):
        whole = [run for window in readable for run in runs(window, undrawn.get(document.id, ()))]
        known = {"row": row, "document": document.id, "source": document.source, "pages": document.pages}
        known["undrawn"] = tuple(page for page in sorted(undrawn.get(document.id, ())) if _holds(readable, page))
        digest, copied = document.text_digest, document.source
        if digest[:_DIGITS] in repeated:
            copied = first.setdefault(digest, document.source)
        chosen = [window for run in whole for window in _windows(settings, run)]
        reasons = {window: _refusal(filters, document, pages, window) for window in chosen}
        used = tuple(window for window in chosen if not reasons[window])
        if copied != document.source:
            yield Candidate(**known, reason="duplicate text", detail=f"of {copied}")
        elif not whole:
            yield Candidate(**known, reason=UNDRAWN, detail="no page of it")
        elif not chosen:
            longest = max(last - first + 1 for first, last in whole)
            reason = "too few pages" if longest < settings.pages[0] else "too many pages"
            cut = f" without a failed one, of {document.pages}" if longest < document.pages else ""
            yield Candidate(**known, reason=reason, detail=f"{longest}{cut}")
        elif not used:
            yield Candidate(**known, reason=next(iter(reasons.values())))
        else:
            refused = tuple((window, reason) for window, reason in reasons.items() if reason)
            skipped = tuple(fact.page for fact in pages if {fact.role, fact.shows} & set(settings.skip))
            yield Candidate(**known, windows=used, refused=refused, skipped=skipped)


def _repeated_texts(file: Path) -> set[str]:
    """Return the beginnings of the text digests that several documents have; only these are held by candidates."""
    digests = (one.text_digest[:_DIGITS] for one in read_jsonl(file, _Text) if one.text_digest)
    found = np.sort(np.fromiter(digests, f"S{_DIGITS}"))
    return {digest.decode() for digest in np.unique(found[1:][found[1:] == found[:-1]])}


class _Text(msgspec.Struct):
    """Of a document, the digest of its text alone."""

    text_digest: str = ""


def _windows(settings: Selection, run: Window) -> Sequence[Window]:
    """Return the windows of a run of readable pages."""
    start, pages = run[0], run[1] - run[0] + 1
    if not settings.pages:
        return [run]
    fewest, most = settings.pages
    if settings.windows:
        return [(start + first, start + last) for first, last in windows(pages, fewest, most)]
    return [run] if fewest <= pages <= most else []


def _refusal(filters: Sequence[Filter], document: Document, pages: Sequence[PageFacts], window: Window) -> str:
    inside = pages[window[0] : window[1] + 1]
    return next(filter(None, (each.refuse(document, inside) for each in filters)), "")


def _holds(windows: Sequence[Window], page: int) -> bool:
    return any(first <= page <= last for first, last in windows)


def _readable(corpus: Path) -> Iterator[list[Window]]:
    """Yield the runs of readable pages of each document of the corpus."""
    for _, rows in read_ledger(corpus):
        kept = [(row.first_page, row.last_page) for row in rows if row.state == KEPT]
        if kept:
            yield kept


def _with_pages(settings: Selection, corpus: Path, documents: Iterator[T]) -> Iterator[tuple[T, Sequence[PageFacts]]]:
    """Yield the documents with the facts of their pages, if the settings ask for these."""
    if not settings.filters and not settings.skip:
        yield from ((document, ()) for document in documents)
        return
    facts = groupby(read_parquet(corpus / "pages.parquet", PageFacts), key=lambda fact: fact.document)
    yield from ((document, list(group)) for document, (_, group) in zip(documents, facts, strict=True))

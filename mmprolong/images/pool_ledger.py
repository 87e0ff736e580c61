"""The ledger of a pool: every document and page in exactly one state, kept, rejected or failed, with its reason.

Corpus writes one about reading, selection a later one about use; both cover the whole pool.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Self

from mmprolong.errors import DataError
from mmprolong.images.page_notes import FailedPage
from mmprolong.records import Reject
from mmprolong.store.parquet import read_parquet, write_parquet

LEDGER = "ledger.parquet"
KEPT, REJECTED, FAILED = "kept", "rejected", "failed"
FAILURES = frozenset(
    {
        "broken",
        "broken tar",
        "cannot be drawn",
        "cannot be opened",
        "crashed",
        "file missing",
        "folder cannot be listed",
        "no pages",
        "out of memory",
        "timed out",
        "truncated",
    }
)
"""Reasons that say that something could not be read; all others say that it is not wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """One line of a ledger: a run of pages of one document of the pool, all in one state.

    The lines of a document cover its pages, each once. A document that could not be opened has one line, of no page.
    """

    source: str
    """Path relative to the pool's folder."""
    document: str = ""
    """Id; empty if the file could not be read."""
    first_page: int = 0
    last_page: int = -1
    """Inclusive, index from 0; -1: the pages are not known."""
    state: str
    """`kept`, `rejected` or `failed`."""
    reason: str = ""
    """Why they are not kept, short and countable."""
    detail: str = ""

    @property
    def pages(self) -> int:
        """Number of pages."""
        return self.last_page - self.first_page + 1


@dataclass(frozen=True, slots=True)
class Totals:
    """Documents and pages by state, and by the reason of those that are not kept."""

    documents: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    reasons: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """Whole documents, and pages, by state and reason."""

    def add(self, rows: Sequence[PageState]) -> None:
        """Count the lines of one document.

        Raises:
            DataError: they do not cover its pages, each once.
        """
        edges = [(row.first_page, row.last_page + 1) for row in rows]
        if edges[0][0] != 0 or any(end != start for (_, end), (start, _) in pairwise(edges)):
            raise DataError(f"{rows[0].source}: its pages are in the ledger as {edges}; each belongs there once")
        kept = any(row.state == KEPT for row in rows)
        self.documents[KEPT if kept else rows[0].state] += 1
        for number, row in enumerate(rows):
            self.pages[row.state] += row.pages
            if row.state != KEPT:
                whole, pages = self.reasons.get((row.state, row.reason), (0, 0))
                self.reasons[row.state, row.reason] = whole + (not kept and not number), pages + row.pages

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return those of a written ledger."""
        totals = cls()
        for _, rows in read_ledger(folder):
            totals.add(rows)
        return totals

    def rows(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield state, reason, documents and pages for a table, the sum last."""
        yield KEPT, "", self.documents[KEPT], self.pages[KEPT]
        yield from ((*key, *counts) for key, counts in sorted(self.reasons.items()))
        yield "all", "", self.documents.total(), self.pages.total()


def state_of(reason: str) -> str:
    """Return the state of what is not kept."""
    return FAILED if reason in FAILURES else REJECTED


def refused(reject: Reject, document: str = "", pages: int = 0) -> PageState:
    """Return the line of a document that is not kept."""
    return PageState(
        source=reject.what,
        document=document,
        last_page=pages - 1,
        state=state_of(reject.reason),
        reason=reject.reason,
        detail=reject.detail,
    )


def read_pages(source: str, document: str, pages: int, failed: Sequence[FailedPage]) -> Iterator[PageState]:
    """Yield the lines of a document that was read."""
    bad = {page.page: page.reason for page in failed}
    whole = PageState(source=source, document=document, last_page=pages - 1, state=KEPT)
    yield from with_reasons([whole], [bad.get(page, "") for page in range(pages)])


def with_reasons(rows: Iterable[PageState], reasons: Sequence[str]) -> Iterator[PageState]:
    """Split the kept lines of a document by the reasons for which its pages are not kept; empty ones keep a page."""
    for row in rows:
        if row.state != KEPT or not row.pages:
            yield row
            continue
        numbers = range(row.first_page, row.last_page + 1)
        for reason, run in groupby(numbers, key=lambda page: reasons[page]):
            within = list(run)
            state = state_of(reason) if reason else KEPT
            yield replace(row, first_page=within[0], last_page=within[-1], state=state, reason=reason)


def write_ledger(folder: Path, rows: Iterable[PageState]) -> Totals:
    """Write the ledger, document by document, and return its totals.

    Raises:
        DataError: the lines of a document do not cover its pages, each once.
    """
    totals = Totals()

    def counted() -> Iterator[PageState]:
        for _, group in groupby(rows, key=lambda row: row.source):
            held = list(group)
            totals.add(held)
            yield from held

    write_parquet(folder / LEDGER, counted(), PageState)
    return totals


def read_ledger(folder: Path) -> Iterator[tuple[str, list[PageState]]]:
    """Yield the lines of each document of a pool, with its source."""
    rows = read_parquet(folder / LEDGER, PageState)
    return ((source, list(group)) for source, group in groupby(rows, key=lambda row: row.source))

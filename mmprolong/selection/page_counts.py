"""Documents and pages of each split, for people."""

from collections.abc import Iterable
from statistics import median

from mmprolong.records import Document, Selected


def count_pages(
    documents: Iterable[Document], selected: Iterable[Selected]
) -> tuple[list[tuple[object, ...]], list[int]]:
    """Return split, documents, pages, their median and the most of one, a row for each split and for all.

    Also the pages of every document.
    """
    pages = {one.id: one.pages for one in documents}
    splits: dict[str, list[int]] = {"train": [], "heldout": [], "all": list(pages.values())}
    for one in selected:
        last = one.last_page if one.last_page >= 0 else pages[one.document] - 1
        splits[one.split].append(last - one.first_page + 1)
    rows = [(name, len(of), sum(of), f"{median(of or [0]):g}", max(of, default=0)) for name, of in splits.items()]
    return [*rows], splits["all"]

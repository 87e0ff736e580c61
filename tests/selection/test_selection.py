import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmprolong import plugins
from mmprolong.corpus import stage as corpus
from mmprolong.images.documents import Document, PageFacts, Selected
from mmprolong.images.page_notes import FailedPage
from mmprolong.images.pool_ledger import PageState, read_ledger, read_pages, write_ledger
from mmprolong.records import Reject
from mmprolong.selection import stage
from mmprolong.selection.candidates import candidates
from mmprolong.selection.near_duplicates import clusters
from mmprolong.selection.windows import windows
from mmprolong.settings.knobs import Corpus, Selection
from mmprolong.settings.stages import SelectionSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.parquet import write_parquet
from tests.corpus.pdfs import write_pdf
from tests.working import run_stage, work_in


def document(name: str, pages: int = 1, **known: Any) -> Document:
    return Document(id=name, source=f"{name}.pdf", page_sizes=((595.0, 842.0),) * pages, **known)


def page(name: str, number: int, **facts: Any) -> PageFacts:
    return PageFacts(**{"document": name, "page": number, "characters": 900, "letters": 0.9, **facts})


def select(
    folder: Path,
    documents: list[Document],
    facts: list[PageFacts] | None = None,
    failed: Sequence[int] = (),
    **rules: Any,
) -> list[Selected]:
    """Select of a corpus in which every document is another, of which the same pages timed out."""
    folder.mkdir()
    write_jsonl(folder / "documents.jsonl", documents)
    everything = [page(one.id, number) for one in documents for number in range(one.pages)]
    write_parquet(folder / "pages.parquet", facts or everything, PageFacts)
    np.save(folder / "signatures.npy", np.arange(len(documents) * 128, dtype=np.uint32).reshape(-1, 128))
    pages = [FailedPage(page=page, reason="timed out") for page in failed]
    read = [row for one in documents for row in read_pages(one.source, one.id, one.pages, pages)]
    unread = PageState(source="z.pdf", state="failed", reason="broken")
    write_ledger(folder, [*read, unread])
    out = folder / "out"
    run_stage(stage, SelectionSettings(Selection(**rules)), work_in(out, corpus=folder))
    return list(read_jsonl(out / "selected.jsonl", Selected))


def ledger(folder: Path) -> dict[str, list[tuple[str, int, int, str]]]:
    rows = read_ledger(folder / "out")
    return {name: [(one.state, one.first_page, one.last_page, one.reason) for one in of] for name, of in rows}


def reasons(folder: Path) -> dict[str, str]:
    return {one.what: one.reason for one in read_jsonl(folder / "out" / "rejects.jsonl", Reject)}


def test_a_small_pool_has_both_splits(tmp_path: Path):
    documents = [document(str(number)) for number in range(5)]
    splits = [each.split for each in select(tmp_path / "quarter", documents, heldout=0.25)]
    assert sorted(splits) == ["heldout"] * 2 + ["train"] * 3
    assert {each.split for each in select(tmp_path / "none", documents, heldout=0.0)} == {"train"}


def test_the_first_of_two_documents_with_one_text_is_kept(tmp_path: Path):
    documents = [document(name, text_digest="same") for name in "ab"] + [document(name) for name in "cd"]
    selected = select(tmp_path / "out", documents, heldout=0.0)
    assert [each.document for each in selected] == ["a", "c", "d"]
    (reject,) = read_jsonl(tmp_path / "out" / "out" / "rejects.jsonl", Reject)
    assert (reject.what, reject.reason, reject.detail) == ("b.pdf", "duplicate text", "of a.pdf")


def test_documents_of_other_lengths_are_refused_or_used_in_windows(tmp_path: Path):
    documents = [document(name, pages) for name, pages in {"a": 3, "b": 4, "c": 6, "d": 11, "e": 7}.items()]
    whole = select(tmp_path / "whole", documents, heldout=0.0, pages=[4, 6])
    assert [(each.document, each.first_page, each.last_page) for each in whole] == [("b", 0, 3), ("c", 0, 5)]
    assert reasons(tmp_path / "whole") == {
        "a.pdf": "too few pages",
        "d.pdf": "too many pages",
        "e.pdf": "too many pages",
    }
    cut = select(tmp_path / "cut", documents, heldout=0.0, pages=[4, 6], windows=True)
    assert [(each.document, each.first_page, each.last_page) for each in cut] == [
        ("b", 0, 3),
        ("c", 0, 5),
        ("d", 0, 5),
        ("d", 6, 10),
        ("e", 0, 5),
    ]
    assert ledger(tmp_path / "cut")["e.pdf"] == [("kept", 0, 5, ""), ("rejected", 6, 6, "outside the windows")]


def test_no_window_holds_a_page_that_failed(tmp_path: Path):
    rules = {"heldout": 0.0, "failed": [5]}
    runs = {
        "any": ({}, [(0, 4), (6, 19)]),
        "whole": ({"pages": [8, 16]}, [(6, 19)]),
        "cut": ({"pages": [4, 6], "windows": True}, [(0, 4), (6, 10), (11, 14), (15, 19)]),
    }
    for name, (asked, windows_of) in runs.items():
        found = select(tmp_path / name, [document("a", 20)], **rules, **asked)
        assert [(each.first_page, each.last_page) for each in found] == windows_of, name
    assert ledger(tmp_path / "whole")["a.pdf"] == [
        ("rejected", 0, 4, "outside the windows"),
        ("failed", 5, 5, "timed out"),
        ("kept", 6, 19, ""),
    ]
    assert select(tmp_path / "none", [document("a", 20), document("b", 2)], **rules, pages=[18, 20]) == []
    assert reasons(tmp_path / "none") == {"a.pdf": "too few pages", "b.pdf": "too few pages"}


def test_pages_that_can_be_read_but_not_drawn_are_left_out_too(tmp_path: Path):
    select(tmp_path / "corpus", [document("a", 9), document("b", 2)], failed=[3])
    whole, none = candidates(Selection(), tmp_path / "corpus", {"a": [3, 6], "b": [0, 1]})
    assert (whole.windows, whole.undrawn) == (((0, 2), (4, 5), (7, 8)), (6,))
    assert (none.windows, none.reason) == ((), "cannot be drawn")


@pytest.mark.parametrize("pages", [*range(1, 260), 999])
def test_windows_are_of_the_length_that_is_asked_for_and_leave_out_less_than_the_shortest(pages: int):
    found = windows(pages, 32, 50)
    assert all(32 <= last - first + 1 <= 50 for first, last in found)
    assert [first for first, _ in found] == [0, *(last + 1 for _, last in found)][: len(found)]
    left = pages - (found[-1][1] + 1 if found else 0)
    assert left == 0 or left < 32


def test_every_filter_refuses_what_it_is_there_for(tmp_path: Path):
    bad = {
        "blank_pages": (document("blank", 4), {"shows": "blank"}),
        "language": (document("language", 4, language="fr"), {}),
        "page_roles": (document("roles", 4), {"role": "references"}),
        "scans": (document("scan", 4), {"shows": "image"}),
        "text_quality": (document("text", 4), {"letters": 0.2}),
    }
    assert set(bad) == set(plugins.names_in("mmprolong.selection.filters"))
    good = document("good", 4, language="en")
    for name, (refused, facts) in bad.items():
        pages = [page("good", n) for n in range(4)] + [page(refused.id, n, **facts) for n in range(4)]
        kept = select(tmp_path / name, [good, refused], pages, heldout=0.0, filters=[name])
        assert [each.document for each in kept] == ["good"], name
        assert ledger(tmp_path / name)[refused.source][0][:3] == ("rejected", 0, 3)


def test_a_window_is_refused_for_its_own_pages_and_the_others_stay(tmp_path: Path):
    pages = [page("a", number, shows="image" if number > 3 else "text") for number in range(8)]
    rules = {"pages": [4, 4], "windows": True, "filters": ["scans"], "skip": ["contents"], "heldout": 0.0}
    pages[1] = page("a", 1, role="contents")
    (kept,) = select(tmp_path / "out", [document("a", 8)], pages, **rules)
    assert (kept.first_page, kept.last_page, kept.skipped) == (0, 3, (1,))
    assert ledger(tmp_path / "out") == {
        "a.pdf": [("kept", 0, 3, ""), ("rejected", 4, 7, "mostly scans")],
        "z.pdf": [("failed", 0, -1, "broken")],
    }


def test_near_duplicates_are_in_one_cluster_and_all_others_alone():
    rng = np.random.default_rng(0)
    base = rng.integers(1, 2**32, (6, 128), dtype=np.uint32)
    near, far = base[0].copy(), base[0].copy()
    near[:20], far[:80] = 1, 2
    signatures = np.stack([*base, near, far, np.zeros(128, np.uint32), np.zeros(128, np.uint32)])
    assert clusters(signatures).tolist() == [0, 1, 2, 3, 4, 5, 0, 7, 8, 9]


def test_documents_that_differ_in_a_line_fall_on_one_side_and_those_that_share_a_cover_are_both_kept(tmp_path: Path):
    words = np.random.default_rng(0).permutation([f"word{number}" for number in range(4000)]).tolist()
    chapters = [" ".join(words[start : start + 50]) for start in range(0, 4000, 50)]
    cover = "Annual report. This report was written by the office of the town. " * 3
    for number in range(4):
        own = chapters[number * 8 : number * 8 + 8]
        write_pdf(tmp_path / "pool" / f"report{number}.pdf", [cover, *own])
        write_pdf(tmp_path / "pool" / f"version{number}.pdf", [cover + "Draft.", *own])
    shutil.copy(tmp_path / "pool" / "report0.pdf", tmp_path / "pool" / "copy.pdf")
    run_stage(corpus, Corpus(path=str(tmp_path / "pool")), work_in(tmp_path / "corpus"))
    work = work_in(tmp_path / "selection", corpus=tmp_path / "corpus")
    run_stage(stage, SelectionSettings(Selection(heldout=0.5)), work)
    names = {one.id: one.source for one in read_jsonl(tmp_path / "corpus" / "documents.jsonl", Document)}
    selected = list(read_jsonl(work.out / "selected.jsonl", Selected))
    sides: dict[str, set[str]] = {}
    for one in selected:
        sides.setdefault(one.cluster, set()).add(one.split)
    assert len(selected) == 8 and len(names) == 8
    assert len(sides) == 4 and all(len(splits) == 1 for splits in sides.values())
    assert sorted(one.split for one in selected) == ["heldout"] * 4 + ["train"] * 4

"""The selection stage: which pages of the pool may be used, for what; copies and leaks are refused."""

import hashlib
import math
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mmprolong.images.documents import Selected
from mmprolong.images.pool_ledger import KEPT, PageState, read_ledger, state_of, with_reasons, write_ledger
from mmprolong.records import Reject
from mmprolong.runtime.parts import in_part, part_count
from mmprolong.runtime.work import Work
from mmprolong.selection.candidates import OUTSIDE, UNDRAWN, Candidate, candidates
from mmprolong.selection.near_duplicates import clusters
from mmprolong.settings.stages import SelectionSettings
from mmprolong.store.atomic import write_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl

_FEWEST = 20
"""Documents of a part, where there are as many."""
_ID = 64
"""Letters of a document's id."""


def parts(settings: SelectionSettings, work: Work) -> int:
    """Return the number of parts: documents that are compared with benchmarks fall into them by their ids."""
    return part_count(sum(1 for _ in _wanted(settings, work)), _FEWEST) if settings.selection.benchmarks else 1


def run_part(settings: SelectionSettings, work: Work, part: int) -> None:
    """Compare the documents of one part with the benchmarks.

    Raises:
        Interrupted: the step was asked to stop.
    """
    if settings.selection.benchmarks:
        from mmprolong.selection.decontamination import compare

        count = parts(settings, work)
        compare(settings, work, in_part(_wanted(settings, work), _document, part, count))


def join(settings: SelectionSettings, work: Work) -> dict[str, Any]:
    """Write selected.jsonl, rejects.jsonl, ledger.parquet and, with benchmarks, hits.jsonl and certificate.json.

    Documents are gone through one by one; of each that is used, a few numbers are held.
    """
    if settings.selection.benchmarks:
        _certify(settings, work)
    names, rows, reasons = bytearray(), array("q"), Counter[str]()
    for one in _found(settings, work):
        reasons.update(reject.reason for reject in _rejects(one))
        if not one.reason:
            rows.append(one.row)
            names += one.document.encode().ljust(_ID, b"\0")
    cluster_of = _clusters(work, np.array(rows, np.int64))
    ids = np.frombuffer(names, f"S{_ID}")
    heldout = _drawn(ids, cluster_of, settings.selection.heldout)
    splits: Counter[str] = Counter()

    def selected() -> Iterator[Selected]:
        for one in _selected(_found(settings, work), ids, cluster_of, heldout):
            splits[one.split] += 1
            yield one

    write_jsonl(work.out / "selected.jsonl", selected())
    rejects = (reject for one in _found(settings, work) for reject in _rejects(one))
    write_jsonl(work.out / "rejects.jsonl", rejects)
    totals = write_ledger(work.out, _states(work, _found(settings, work)))
    return {
        **splits,
        "rejects": dict(sorted(reasons.items())),
        "ledger": {"documents": dict(totals.documents), "pages": dict(+totals.pages)},
    }


def _document(candidate: Candidate) -> str:
    return candidate.document


def _candidates(settings: SelectionSettings, work: Work) -> Iterator[Candidate]:
    """Yield the documents as the rules alone find them; they are judged once."""
    file = work.scratch / "candidates.jsonl"
    if not file.exists():
        work.scratch.mkdir(parents=True, exist_ok=True)
        write_jsonl(file, candidates(settings.selection, work.inputs["corpus"]))
    return read_jsonl(file, Candidate)


def _wanted(settings: SelectionSettings, work: Work) -> Iterator[Candidate]:
    return (one for one in _candidates(settings, work) if not one.reason)


def _found(settings: SelectionSettings, work: Work) -> Iterator[Candidate]:
    """Yield the documents; what shares a page with a benchmark, or could not be compared, is refused."""
    if not settings.selection.benchmarks:
        yield from _candidates(settings, work)
        return
    from mmprolong.selection.decontamination import result_of

    for before, one in zip(_candidates(settings, work), _drawable(settings, work), strict=True):
        result = None if before.reason or one.reason else result_of(work, one.document)
        if result and result.hits:
            best = max(result.hits, key=lambda hit: hit.score)
            detail = f"{best.channel}: {best.benchmark}"
            yield replace(one, reason=f"in benchmark {best.benchmark.partition('/')[0]}", detail=detail)
        elif result and result.failure:
            yield replace(one, reason=result.failure, detail="while it was compared with the benchmarks")
        else:
            yield one


def _drawable(settings: SelectionSettings, work: Work) -> Iterator[Candidate]:
    """Yield the documents without the pages that could not be drawn for the comparison."""
    from mmprolong.selection.decontamination import result_of

    file = work.scratch / "drawable.jsonl"
    if not file.exists():
        compared = ((one.document, result_of(work, one.document).problems) for one in _wanted(settings, work))
        undrawn = {document: pages for document, pages in compared if pages}
        write_jsonl(file, candidates(settings.selection, work.inputs["corpus"], undrawn))
    return read_jsonl(file, Candidate)


def _certify(settings: SelectionSettings, work: Work) -> None:
    """Write what the comparison with the benchmarks found, and how many planted leaks it finds."""
    from mmprolong.images.renderer import find_renderer
    from mmprolong.selection.decontamination import RENDERER, certificate, open_index, result_of, roots_of
    from mmprolong.selection.leaks import measure_recall

    index = open_index(settings, work)
    recalls = measure_recall(roots_of(settings), index, find_renderer(RENDERER))
    compared = (result_of(work, one.document) for one in _wanted(settings, work))
    write_json(work.out / "certificate.json", certificate(settings, index, compared, recalls))
    found = ((one, result_of(work, one.document)) for one in _wanted(settings, work))
    hits = ({"source": one.source, **hit._asdict()} for one, result in found for hit in result.hits)
    write_jsonl(work.out / "hits.jsonl", hits)


def _clusters(work: Work, rows: np.ndarray) -> np.ndarray:
    """Return the number of the first document of the cluster of each document that is used."""
    signatures = np.load(work.inputs["corpus"] / "signatures.npy", mmap_mode="r")
    return clusters(signatures, rows)


def _drawn(ids: np.ndarray, cluster_of: np.ndarray, heldout: float) -> np.ndarray:
    """Draw the share `heldout` for evaluation, whole clusters by hash, so that a small pool has both parts.

    Returns:
        bool (documents,)
    """
    leaders, inverse, sizes = np.unique(cluster_of, return_inverse=True, return_counts=True)
    drawn = b"".join(hashlib.sha256(bytes(ids[leader])).digest() for leader in leaders)
    order = np.argsort(np.frombuffer(drawn, "S32"), kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]
    kept = np.empty(len(leaders), bool)
    kept[order] = before < math.ceil(heldout * len(cluster_of))
    return kept[inverse]


def _selected(
    found: Iterator[Candidate], ids: np.ndarray, cluster_of: np.ndarray, heldout: np.ndarray
) -> Iterator[Selected]:
    used = (one for one in found if not one.reason)
    for one, leader, held in zip(used, cluster_of.tolist(), heldout.tolist(), strict=True):
        for first, last in one.windows:
            yield Selected(
                document=one.document,
                split="heldout" if held else "train",
                first_page=first,
                last_page=last,
                cluster=bytes(ids[leader]).decode(),
                skipped=tuple(page for page in one.skipped if first <= page <= last),
            )


def _rejects(one: Candidate) -> Iterator[Reject]:
    if one.reason:
        yield Reject(what=one.source, reason=one.reason, detail=one.detail)
    for page in one.undrawn:
        yield Reject(what=f"{one.source} page {page + 1}", reason=UNDRAWN)


def _states(work: Work, decisions: Iterator[Candidate]) -> Iterator[PageState]:
    """Yield the corpus's ledger, with what the selection refuses."""
    for _, rows in read_ledger(work.inputs["corpus"]):
        if not any(row.state == KEPT for row in rows):
            yield from rows
            continue
        one = next(decisions)
        if one.reason:
            why = {"state": state_of(one.reason), "reason": one.reason, "detail": one.detail}
            yield replace(rows[0], last_page=one.pages - 1, **why)
        else:
            yield from with_reasons(rows, _reasons(one))


def _reasons(one: Candidate) -> list[str]:
    """Return why each page of a document is not used; empty for those that are."""
    reasons = [OUTSIDE] * one.pages
    for (first, last), reason in [*one.refused, *((window, "") for window in one.windows)]:
        reasons[first : last + 1] = [reason] * (last - first + 1)
    for page in one.undrawn:
        reasons[page] = UNDRAWN
    return reasons

"""The selection stage: which pages of the pool may be used, for what; copies and leaks are refused."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mmprolong.images.pool_ledger import KEPT, PageState, read_ledger, state_of, with_reasons, write_ledger
from mmprolong.records import Reject, Selected
from mmprolong.runtime.parts import in_part, part_count
from mmprolong.runtime.work import Work
from mmprolong.selection.candidates import OUTSIDE, Candidate, candidates
from mmprolong.selection.near_duplicates import clusters
from mmprolong.settings.stages import SelectionSettings
from mmprolong.store.atomic import write_json
from mmprolong.store.jsonl import write_jsonl

_FEWEST = 20
"""Documents of a part, where there are as many."""


def parts(settings: SelectionSettings, work: Work) -> int:
    """Return the number of parts: documents that are compared with benchmarks fall into them by their ids."""
    return part_count(len(_wanted(settings, work)), _FEWEST) if settings.selection.benchmarks else 1


def run_part(settings: SelectionSettings, work: Work, part: int) -> None:
    """Compare the documents of one part with the benchmarks.

    Raises:
        Interrupted: the step was asked to stop.
    """
    if settings.selection.benchmarks:
        from mmprolong.selection.decontamination import compare

        wanted = _wanted(settings, work)
        compare(settings, work, in_part(wanted, _document, part, part_count(len(wanted), _FEWEST)))


def join(settings: SelectionSettings, work: Work) -> dict[str, Any]:
    """Write selected.jsonl, rejects.jsonl, ledger.parquet and, with benchmarks, hits.jsonl and certificate.json."""
    found = list(candidates(settings.selection, work.inputs["corpus"]))
    if settings.selection.benchmarks:
        found = _decontaminated(settings, work, found)
    selected = _split(found, _clusters(work, found), settings.selection.heldout)
    rejects = [Reject(what=one.source, reason=one.reason, detail=one.detail) for one in found if one.reason]
    write_jsonl(work.out / "selected.jsonl", selected)
    write_jsonl(work.out / "rejects.jsonl", rejects)
    totals = write_ledger(work.out, _states(work, found))
    return {
        **Counter(each.split for each in selected),
        "rejects": dict(sorted(Counter(reject.reason for reject in rejects).items())),
        "ledger": {"documents": dict(totals.documents), "pages": dict(+totals.pages)},
    }


def _document(candidate: Candidate) -> str:
    return candidate.document


def _wanted(settings: SelectionSettings, work: Work) -> list[Candidate]:
    return [one for one in candidates(settings.selection, work.inputs["corpus"]) if not one.reason]


def _decontaminated(settings: SelectionSettings, work: Work, found: Sequence[Candidate]) -> list[Candidate]:
    """Refuse what shares a page with a benchmark or could not be compared; writes the certificate."""
    from mmprolong.images.renderer import find_renderer
    from mmprolong.selection.decontamination import RENDERER, certificate, open_index, result_of, roots_of
    from mmprolong.selection.leaks import measure_recall

    index = open_index(settings, work)
    compared = [(one, result_of(work, one.document)) for one in found if not one.reason]
    kept = {one.row: one for one in found}
    for one, result in compared:
        if result.hits:
            best = max(result.hits, key=lambda hit: hit.score)
            detail = f"{best.channel}: {best.benchmark}"
            kept[one.row] = replace(one, reason=f"in benchmark {best.benchmark.partition('/')[0]}", detail=detail)
        elif result.failure:
            kept[one.row] = replace(one, reason=result.failure, detail="while it was compared with the benchmarks")
    recalls = measure_recall(roots_of(settings), index, find_renderer(RENDERER))
    said = certificate(settings, index, [(one.source, result) for one, result in compared], recalls)
    write_json(work.out / "certificate.json", said)
    hits = [{"source": one.source, **hit._asdict()} for one, result in compared for hit in result.hits]
    write_jsonl(work.out / "hits.jsonl", hits)
    return [kept[one.row] for one in found]


def _clusters(work: Work, found: Sequence[Candidate]) -> dict[int, str]:
    """Return the id of the cluster of near-duplicates of each document that is used, by its row."""
    rows = [one.row for one in found if not one.reason]
    signatures = np.load(work.inputs["corpus"] / "signatures.npy", mmap_mode="r")
    first = clusters(np.asarray(signatures[rows]) if rows else np.empty((0, signatures.shape[1]), np.uint32))
    return {row: found[rows[leader]].document for row, leader in zip(rows, first.tolist(), strict=True)}


def _split(found: Sequence[Candidate], cluster_of: dict[int, str], heldout: float) -> list[Selected]:
    """Keep the share `heldout` for evaluation, whole clusters drawn by hash, so that a small pool has both parts."""
    sizes = Counter(cluster_of.values())
    wanted = math.ceil(heldout * len(cluster_of))
    kept: set[str] = set()
    for cluster in sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        if sum(sizes[name] for name in kept) >= wanted:
            break
        kept.add(cluster)
    return [
        Selected(
            document=one.document,
            split="heldout" if cluster_of[one.row] in kept else "train",
            first_page=first,
            last_page=last,
            cluster=cluster_of[one.row],
            skipped=tuple(page for page in one.skipped if first <= page <= last),
        )
        for one in found
        if not one.reason
        for first, last in one.windows
    ]


def _states(work: Work, found: Sequence[Candidate]) -> Iterator[PageState]:
    """Yield the corpus's ledger, with what the selection refuses."""
    decisions = iter(found)
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
    return reasons

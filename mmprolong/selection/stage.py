"""The selection stage: documents with a text that another has are refused, the rest is split in two."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mmprolong.records import Document, Reject, Selected
from mmprolong.runtime.work import Work
from mmprolong.settings.knobs import Selection
from mmprolong.store.jsonl import read_jsonl, write_jsonl


def run(settings: Selection, work: Work) -> dict[str, Any]:
    """Write selected.jsonl and rejects.jsonl; returns the counts."""
    rejects: list[Reject] = []
    documents = _distinct(read_jsonl(work.inputs["corpus"] / "documents.jsonl", Document), rejects)
    selected = _split(documents, settings.heldout)
    write_jsonl(work.out / "selected.jsonl", selected)
    write_jsonl(work.out / "rejects.jsonl", rejects)
    splits = Counter(each.split for each in selected)
    return {**splits, "rejects": dict(Counter(reject.reason for reject in rejects))}


def _distinct(documents: Iterable[Document], rejects: list[Reject]) -> list[Document]:
    """Return the documents of different text, the first of each; refuses the others into `rejects`."""
    first: dict[str, str] = {}
    kept = []
    for document in documents:
        if document.text_digest and document.text_digest in first:
            detail = f"of {first[document.text_digest]}"
            rejects.append(Reject(what=document.source, reason="duplicate text", detail=detail))
        else:
            first[document.text_digest] = document.source
            kept.append(document)
    return kept


def _split(documents: Sequence[Document], heldout: float) -> list[Selected]:
    """Keep the share `heldout` for evaluation, drawn by hash, so that a small pool has both parts."""
    ranked = sorted(documents, key=lambda document: hashlib.sha256(document.id.encode()).hexdigest())
    kept = {document.id for document in ranked[: math.ceil(heldout * len(documents))]}
    return [Selected(document=each.id, split="heldout" if each.id in kept else "train") for each in documents]

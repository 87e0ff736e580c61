"""Facts of a pool without a PDF behind them, and examples on its documents, for `scale.py`."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mmprolong.conversations import Message, Pages, Text
from mmprolong.corpus.reading import FileResult, ReadingJob
from mmprolong.images.documents import Block, Document, Heading, PageFacts
from mmprolong.images.pool_ledger import KEPT, PageState, refused
from mmprolong.records import Example, Gold, Reject
from mmprolong.settings.data import Length
from mmprolong.store.jsonl import read_jsonl

TASKS = {"extract_single": 0.4, "extract_multi": 0.4, "reasoning": 0.2}
LONG = Length("50p", [32, 50])
A4 = (595.0, 842.0)
SYLLABLES = ("con", "ta", "tion", "re", "ment", "al", "in", "er", "pro", "ble", "de", "ti", "si", "um", "la", "ver")
WORDS = ["".join(np.random.default_rng(n).choice(SYLLABLES, 1 + n.bit_length() // 4)) for n in range(30_000)]
"""Drawn by Zipf's law, as those of a language are."""


def facts(documents: int, everything: bool = False) -> Iterator[tuple[Any, list[PageState]]]:
    rng = np.random.default_rng(0)
    for start in range(0, documents, 65_536):
        count = min(65_536, documents - start)
        long, kind = rng.random(count) < 0.05, rng.random(count)
        pages = np.where(long, rng.integers(32, 51, count), np.minimum(rng.lognormal(2.6, 0.9, count) + 1, 900))
        for number, size, chance in zip(range(start, start + count), pages.astype(int).tolist(), kind, strict=True):
            name, identifier = f"{number:07}.pdf", hashlib.sha256(str(number).encode()).hexdigest()
            row = PageState(source=name, document=identifier, last_page=size - 1, state=KEPT)
            if chance < 0.07:
                if everything:
                    yield None, [refused(Reject(what=name, reason="duplicate"), identifier, size)]
                continue
            rows = [row]
            if chance > 0.99:
                bad = PageState(source=name, document=identifier, state="failed", reason="broken", last_page=0)
                rows = [bad, PageState(source=name, document=identifier, first_page=1, last_page=size - 1, state=KEPT)]
            yield document_of(name, identifier, size), rows if size > 1 else [row]


def document_of(name: str, identifier: str, pages: int) -> Document:
    titles = range(0, pages, max(1, pages // 8))
    outline = tuple(Heading(title=f"Section {page} of it", level=1, page=page, y=72.0) for page in titles)
    return Document(
        id=identifier,
        source=name,
        licence="CC-BY-4.0",
        page_sizes=(A4,) * pages,
        outline=outline,
        text_digest=identifier,
    )


def blocks_of(document: Document, pages: int = 1) -> bytes:
    """One block on each of the first pages, as a reader leaves them."""
    fixed = {"document": document.id, "kind": "paragraph", "box": (72.0, 72.0, 520.0, 90.0), "order": 0}
    return msgspec.json.encode([Block(page=page, text=" ".join(WORDS[:24]), **fixed) for page in range(pages)])


def leave_result(job: ReadingJob, document: Document | None) -> None:
    """Write what the reader of a PDF leaves; none: it is refused."""
    if document is None:
        refusal = FileResult(reject=Reject(what=job.source, reason="encrypted"))
        Path(job.part + ".json").write_bytes(msgspec.json.encode(refusal))
        return
    pages = [PageFacts(document=document.id, page=n, characters=2_000, letters=0.8) for n in range(document.pages)]
    signature = tuple(range(1, 129))
    result = FileResult(document=document, id=document.id, pages=len(pages), facts=tuple(pages), signature=signature)
    Path(job.part + ".blocks.json").write_bytes(blocks_of(document, document.pages))
    Path(job.part + ".json").write_bytes(msgspec.json.encode(result))


def examples_on(folder: Path) -> Iterator[Example]:
    """Questions and answers on documents of 32 to 50 pages, as many on each as it takes."""
    rng = np.random.default_rng(3)
    number = 0
    while True:
        for document in read_jsonl(folder / "corpus" / "documents.jsonl", Document):
            if not LONG.pages[0] <= document.pages <= LONG.pages[1]:
                continue
            for task in TASKS:
                words = [WORDS[int(len(WORDS) ** power) - 1] for power in rng.random(24)]
                run = "3–12" if number % 5 == 0 else "3-12"  # not all text is ASCII
                question = f"According to pages {run} (counted from 1), what is {' '.join(words[:20])} in {number}?"
                answer = f"{' '.join(words[20:])} {number}"
                pages = Pages(f"pdf:{document.id}", 0, document.pages - 1)
                said = (
                    Message("user", (pages, Text(question))),
                    Message("assistant", (Text(answer, learned=True),)),
                )
                yield Example(
                    id=f"{document.id[:16]}-0-{task}-{number}",
                    task=task,
                    cluster=document.id,
                    sources=(pages.source,),
                    conversations={"answer": said},
                    gold=(Gold(answer, evidence=(3,)),),
                    facts={"kind": "made", "licence": document.licence, "document": document.source},
                    origin="made",
                )
                number += 1

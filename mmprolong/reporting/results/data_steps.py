"""The data behind a step of a store: pool, selection, examples, mixture, and a sample of them to look at."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappush, heapreplace
from pathlib import Path
from typing import Any, NamedTuple

from mmprolong.errors import ConfigError, DataError
from mmprolong.images.documents import Document
from mmprolong.images.pool_ledger import KEPT, Totals, read_ledger
from mmprolong.records import Example, Measured, Pack
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store

STAGES = ("corpus", "selection", "synthesis", "measurement", "mixture")


class Part(NamedTuple):
    """Examples of one source, or of one component of a mixture."""

    name: str
    examples: Path
    measured: Path | None
    """File of their lengths; none: they are not measured."""
    refused: Mapping[str, int]
    """Questions that were refused, by reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStep:
    """A finished step of the data, and the files that it rests on."""

    step: RunRecord
    corpus: Path
    ledger: Path
    """Folder of the last ledger of the pool: of the selection, if there is one."""
    parts: tuple[Part, ...] = ()
    packs: Path | None = None
    certificate: Mapping[str, Any] | None = None


class Chosen(NamedTuple):
    """An example of a sample."""

    component: str
    example: Example
    tokens: Measured | None


@dataclass(slots=True)
class Pool:
    """Documents and pages of a pool by their states."""

    totals: Totals = field(default_factory=Totals)
    lengths: Counter[int] = field(default_factory=Counter)
    """Number of documents that are kept, by their pages."""


def data_step(store: Store, step: RunRecord) -> DataStep:
    """Return what a step of the data rests on.

    Raises:
        ConfigError: it is a step of another kind.
        DataError: a step that it rests on is gone.
    """
    if step.stage not in STAGES:
        raise ConfigError(f"{step.path}: a {step.stage} step; give one of {', '.join(STAGES)}")
    folder = store.root / step.path
    corpus = store.root / step.needs.get("corpus", step.path)
    if step.stage in ("corpus", "selection"):
        return DataStep(step=step, corpus=corpus, ledger=folder)
    certificate, packs, named = None, None, {step.id.rpartition("-")[0]: step}
    if step.stage == "mixture":
        certificate, packs = read_json(folder / "certificate.json"), folder / "packs.jsonl"
        sources = {name: f"measurement.{part['source']}" for name, part in certificate["components"].items()}
        named = {name: _record(store, step.needs[role]) for name, role in sources.items()}
    written = {name: _record(store, each.needs.get("synthesis", each.path)) for name, each in named.items()}
    parts = tuple(
        Part(
            name,
            store.root / written[name].path / "examples.jsonl",
            store.root / each.path / "measured.parquet" if each.stage == "measurement" else None,
            written[name].metrics.get("rejects", {}),
        )
        for name, each in named.items()
    )
    ledger = store.root / next(iter(written.values())).needs["selection"]
    return DataStep(step=step, corpus=corpus, ledger=ledger, parts=parts, packs=packs, certificate=certificate)


def read_pool(data: DataStep) -> Pool:
    """Count the documents and pages of the pool."""
    pool = Pool()
    for _, rows in read_ledger(data.ledger):
        pool.totals.add(rows)
        if any(row.state == KEPT for row in rows):
            pool.lengths[sum(row.pages for row in rows)] += 1
    return pool


def token_lengths(data: DataStep) -> Counter[int]:
    """Return how many examples have so many tokens: those in the packs, or all that are measured."""
    if data.packs:
        return Counter(length for pack in read_jsonl(data.packs, Pack) for length in pack.lengths)
    files = [part.measured for part in data.parts if part.measured]
    return Counter(row.tokens for file in files for row in read_parquet(file, Measured))


def sample_examples(data: DataStep, number: int, seed: int) -> list[Chosen]:
    """Draw examples by the hashes of their ids, as many of each task of each component.

    Of a mixture, only those that are in its packs.
    """
    drawn = {name for pack in read_jsonl(data.packs, Pack) for name in pack.examples} if data.packs else None
    held: defaultdict[tuple[str, str], list[tuple[int, str, Example]]] = defaultdict(list)
    for part in data.parts:
        for one in read_jsonl(part.examples, Example):
            if drawn is None or one.id in drawn:
                _keep(held[part.name, one.task], (-_rank(one.id, seed), one.id, one), number)
    each = max(1, number // max(len(held), 1))
    found = [(name, one) for (name, _), rows in held.items() for *_, one in sorted(rows, reverse=True)[:each]]
    tokens = _tokens(data, {one.id for _, one in found})
    return [Chosen(name, one, tokens.get((name, one.id))) for name, one in found]


def sample_documents(data: DataStep, number: int, seed: int) -> list[Document]:
    """Draw documents of the corpus by the hashes of their ids."""
    held: list[tuple[int, str, Document]] = []
    for one in read_jsonl(data.corpus / "documents.jsonl", Document):
        _keep(held, (-_rank(one.id, seed), one.id, one), number)
    return [one for *_, one in sorted(held, reverse=True)]


def _keep(heap: list[tuple[int, str, Any]], item: tuple[int, str, Any], number: int) -> None:
    """Keep the `number` largest of the items that are offered; no two have one rank and id."""
    if len(heap) < number:
        heappush(heap, item)
    elif item[:2] > heap[0][:2]:
        heapreplace(heap, item)


def _rank(identifier: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{identifier}".encode(), digest_size=8).digest())


def _tokens(data: DataStep, wanted: set[str]) -> dict[tuple[str, str], Measured]:
    rows: Iterator[tuple[str, Measured]] = (
        (part.name, row) for part in data.parts if part.measured for row in read_parquet(part.measured, Measured)
    )
    return {(name, row.example): row for name, row in rows if row.example in wanted}


def _record(store: Store, path: str) -> RunRecord:
    record = store.record(*path.split("/", 1))
    if record is None:
        raise DataError(f"{store.root / path}: no finished step; run it again to look at what it made")
    return record

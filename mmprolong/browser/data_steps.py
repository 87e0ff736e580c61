"""The data behind a step of a store: pool, selection, examples, mixture, and a sample of them to look at."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappush, heappushpop
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mmprolong.errors import ConfigError, DataError
from mmprolong.images.documents import Document
from mmprolong.records import Example, Measured, Pack, Sample
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store

K = TypeVar("K")
T = TypeVar("T", Document, Example, Sample)
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

    corpus: Path
    ledger: Path
    """Folder of the last ledger of the pool: of the selection, if there is one."""
    parts: tuple[Part, ...] = ()
    packs: Path | None = None
    certificate: Mapping[str, Any] | None = None

    def examples(self) -> Iterator[tuple[str, Example]]:
        """Yield examples after the names of their parts; of a mixture only those that are in its packs."""
        drawn = {name for pack in read_jsonl(self.packs, Pack) for name in pack.examples} if self.packs else None
        for part in self.parts:
            found = read_jsonl(part.examples, Example)
            yield from ((part.name, one) for one in found if drawn is None or one.id in drawn)

    def measured(self, examples: Collection[str]) -> dict[str, dict[str, Measured]]:
        """Return the lengths of these examples' conversations by their names, as far as they are known."""
        found: dict[str, dict[str, Measured]] = {name: {} for name in examples}
        for part in self.parts:
            for row in read_parquet(part.measured, Measured) if part.measured else ():
                if row.example in found:
                    found[row.example][row.conversation] = row
        return found

    def token_lengths(self) -> Counter[int]:
        """Return how many examples have so many tokens: those in the packs, or all that are measured."""
        if self.packs:
            return Counter(length for pack in read_jsonl(self.packs, Pack) for length in pack.lengths)
        files = [part.measured for part in self.parts if part.measured]
        return Counter(row.tokens for file in files for row in read_parquet(file, Measured))


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
        return DataStep(corpus=corpus, ledger=folder)
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
    return DataStep(corpus=corpus, ledger=ledger, parts=parts, packs=packs, certificate=certificate)


def draw_evenly(items: Iterable[tuple[K, T]], number: int, seed: int) -> list[tuple[K, T]]:
    """Draw items by the hashes of their ids, as many of each group as far as it has them.

    No more than `number` of a group are held in memory.
    """
    held: dict[K, list[tuple[int, int, T]]] = defaultdict(list)
    for place, (group, item) in enumerate(items):
        digest = hashlib.blake2b(f"{seed}:{item.id}".encode(), digest_size=8).digest()
        put = heappush if len(held[group]) < number else heappushpop
        put(held[group], (-int.from_bytes(digest), -place, item))
    found = [[(group, item) for *_, item in sorted(rows, reverse=True)] for group, rows in held.items()]
    return list(islice(filter(None, chain.from_iterable(zip_longest(*found))), number))


def _record(store: Store, path: str) -> RunRecord:
    record = store.record(*path.split("/", 1))
    if record is None:
        raise DataError(f"{store.root / path}: no finished step; run it again to look at what it made")
    return record

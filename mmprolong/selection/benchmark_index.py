"""All pages of the benchmarks, searched by bytes, by wording and by look."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmprolong.images.renderer import Renderer
from mmprolong.selection.benchmark_files import NotRead, contents
from mmprolong.selection.fingerprints import SIDE, Fingerprint
from mmprolong.store.atomic import replacing

VERSION = 1
_SHARED, _CONTAINED = 20, 0.25
"""Sampled shingles that two pages share, and their share of the shorter page, to be of one wording."""
_ALIKE = 0.75
"""Correlation of two looks to be of one page; the highest of 111 unrelated pages was 0.69, half of them below 0.48."""
_CHUNK = 8192
"""Looks that are compared at a time."""


class Hit(NamedTuple):
    """A page that a benchmark has, too."""

    page: int
    """Index from 0; -1: the whole file."""
    channel: str
    """`bytes`, `text` or `image`."""
    benchmark: str
    """File and page of the benchmark."""
    score: float
    """Share of shingles, or correlation; 1: the same bytes."""


@dataclass(frozen=True)
class BenchmarkIndex:
    """Pages of all benchmarks."""

    places: list[str]
    """File and page of each."""
    files: Mapping[str, str]
    """Files by the SHA-256 of their content."""
    not_read: Sequence[str]
    """Files that no channel but `bytes` compares, and why."""
    hashes: np.ndarray
    """uint64, sorted."""
    owners: np.ndarray
    """Page of each hash, int32."""
    looks: np.ndarray
    """float32 (looks, SIDE * SIDE)"""
    seen: np.ndarray
    """Page of each look, int32."""

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of hashes of each page."""
        return np.bincount(self.owners, minlength=len(self.places))

    def find(self, number: int, page: Fingerprint) -> Iterator[Hit]:
        """Yield the hits of one page, the best of each channel."""
        if len(page.hashes) >= _SHARED:
            first, last = (np.searchsorted(self.hashes, page.hashes, side) for side in ("left", "right"))
            found = np.concatenate([self.owners[a:b] for a, b in zip(first, last, strict=True) if b > a] or [[]])
            shared = np.bincount(found.astype(np.int64), minlength=len(self.places))
            if len(shared):
                share = shared / np.maximum(np.minimum(self.sizes, len(page.hashes)), 1)
                share[shared < _SHARED] = 0
                best = int(share.argmax())
                if share[best] >= _CONTAINED:
                    yield Hit(number, "text", self.places[best], round(float(share[best]), 3))
        if len(page.looks) and len(self.looks):
            alike, best = self._most_alike(page.looks)
            if alike >= _ALIKE:
                yield Hit(number, "image", self.places[best], round(alike, 3))

    def _most_alike(self, looks: np.ndarray) -> tuple[float, int]:
        best = (-1.0, 0)
        for start in range(0, len(self.looks), _CHUNK):
            alike = (self.looks[start : start + _CHUNK] @ looks.T).max(1)
            place = int(alike.argmax())
            best = max(best, (float(alike[place]), int(self.seen[start + place])))
        return best


def build_index(
    roots: Mapping[str, Path], renderer: Renderer, stop: Callable[[], None] = lambda: None
) -> BenchmarkIndex:
    """Read every file of the benchmarks."""
    places: list[str] = []
    files: dict[str, str] = {}
    not_read: list[str] = []
    pages: list[Fingerprint] = []
    for name, path in files_of(roots):
        stop()
        files[file_digest(path)] = name
        try:
            for place, fingerprint in contents(path, renderer):
                places.append(f"{name}, {place}".removesuffix(", "))
                pages.append(fingerprint)
        except NotRead as error:
            not_read.append(f"{name}: {error}")
    hashes = np.concatenate([page.hashes for page in pages] or [np.empty(0, np.uint64)])
    owners = np.repeat(np.arange(len(pages), dtype=np.int32), [len(page.hashes) for page in pages])
    order = np.argsort(hashes, kind="stable")
    return BenchmarkIndex(
        places=places,
        files=files,
        not_read=not_read,
        hashes=hashes[order],
        owners=owners[order],
        looks=np.concatenate([page.looks for page in pages] or [np.empty((0, SIDE * SIDE), np.float32)]),
        seen=np.repeat(np.arange(len(pages), dtype=np.int32), [len(page.looks) for page in pages]),
    )


def files_of(roots: Mapping[str, Path]) -> Iterable[tuple[str, Path]]:
    """Return the files of the benchmarks with their names, in order."""
    found = ((name, root, path) for name, root in roots.items() for path in root.rglob("*") if path.is_file())
    return sorted((f"{name}/{path.relative_to(root).as_posix()}", path) for name, root, path in found)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_index(path: Path) -> BenchmarkIndex:
    """Return what `write_index` wrote."""
    with np.load(path) as file:
        said = json.loads(file["said"].tobytes())
        arrays = {name: file[name] for name in ("hashes", "owners", "seen")}
        return BenchmarkIndex(**said, **arrays, looks=file["looks"].astype(np.float32))


def write_index(path: Path, index: BenchmarkIndex) -> None:
    """Write the index as one file.

    Raises:
        DiskFull: names the file.
    """
    said = {"places": index.places, "files": dict(index.files), "not_read": list(index.not_read)}
    with replacing(path) as file:
        np.savez(
            file,
            said=np.frombuffer(json.dumps(said).encode(), np.uint8),
            hashes=index.hashes,
            owners=index.owners,
            looks=index.looks.astype(np.float16),
            seen=index.seen,
        )

"""A step in parts: items fall into a fixed number of parts by the hash of their id; each part leaves one file.

A part is finished once its file is there, so any number of workers may share the parts, a rerun skips those that are
there, and no lock is needed.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mmprolong.records import Reject
from mmprolong.runtime.work import Work
from mmprolong.store.atomic import replacing
from mmprolong.store.jsonl import read_jsonl, write_jsonl

Item = TypeVar("Item")
T = TypeVar("T")
MOST = 64


def part_count(items: int, at_least: int = 1) -> int:
    """Return the number of parts of so many items, with `at_least` items in each: the same in every attempt."""
    return max(1, min(MOST, items // at_least))


def part_of(identifier: str, parts: int) -> int:
    """Return the part that an item falls into, by its id alone."""
    name = identifier.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()) % parts


def in_part(items: Iterable[Item], name: Callable[[Item], str], part: int, parts: int) -> list[Item]:
    """Return the items of one part, in their order."""
    return [item for item in items if part_of(name(item), parts) == part]


def write_part(work: Work, part: int, items: Iterable[Any]) -> None:
    """Write results and rejects of one part; returns at once if they are there."""
    target = _file(work, part)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    encoder = msgspec.json.Encoder()
    rejects: list[Reject] = []
    with replacing(target) as file:
        for item in items:
            work.log.stop_if_asked()
            if isinstance(item, Reject):
                rejects.append(item)
            else:
                file.write(encoder.encode(item) + b"\n")
        write_jsonl(target.with_suffix(".rejects"), rejects)


def file_beside(work: Work, part: int, suffix: str) -> Path:
    """Return the path of a part's results in another format than JSON lines; write it before `write_part`."""
    file = _file(work, part).with_suffix(suffix)
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def is_written(work: Work, part: int) -> bool:
    """Tell whether the part is finished."""
    return _file(work, part).exists()


def results(work: Work, parts: int, kind: type[T]) -> Iterator[T]:
    """Yield the results of all parts, part by part."""
    return (item for part in range(parts) for item in read_jsonl(_file(work, part), kind))


def rejects(work: Work, parts: int) -> Iterator[Reject]:
    """Yield the rejects of all parts, part by part."""
    return (one for part in range(parts) for one in read_jsonl(_file(work, part).with_suffix(".rejects"), Reject))


def run_parts(count: int, run_part: Callable[[int], None], work: Work, chosen: Sequence[int] | None = None) -> None:
    """Run the chosen parts, all by default, that are not written yet.

    One that leaves no file of its own gets an empty one, so that it is known to be done.
    """
    for part in range(count) if chosen is None else chosen:
        if not is_written(work, part):
            work.log.stop_if_asked()
            run_part(part)
            write_part(work, part, ())
        work.log.progress(sum(is_written(work, each) for each in range(count)), count, "parts")


def _file(work: Work, part: int) -> Path:
    return work.scratch / "parts" / f"{part:03d}.jsonl"

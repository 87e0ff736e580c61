"""W&B's offline files (`run-*.wandb`) read without a server: a LevelDB log of `wandb_internal.Record` messages.

Source: https://github.com/google/leveldb/blob/main/doc/log_format.md; the header is `:W&B`, two magic bytes, a version.
"""

import json
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmprolong.errors import ArtifactError

BLOCK = 32 * 1024
HEADER = 7
"""Bytes before the first entry of a file, and before the payload of an entry."""
FULL, FIRST, LAST = 1, 2, 4


@dataclass(slots=True, kw_only=True)
class WandbRun:
    """Summary and history of one run, over all its offline folders."""

    id: str
    summary: dict[str, Any] = field(default_factory=dict)
    """Nested by the `/` of the names; without W&B's own, which begin with `_`."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """Rows in the order of their steps; a row that was logged twice counts once."""


def read_runs(folder: Path, ids: Collection[str] | None = None) -> dict[str, WandbRun]:
    """Read the runs of all offline folders below `folder`, by run id; those that were requeued are merged.

    Args:
        ids: read these runs alone.

    Raises:
        ArtifactError: a file is none of W&B's.
    """
    found: dict[str, WandbRun] = {}
    for path in sorted(folder.glob("offline-run-*/run-*.wandb")):
        name = path.stem.removeprefix("run-")
        if ids is None or name in ids:
            _read_into(found.setdefault(name, WandbRun(id=name)), path)
    for run in found.values():
        run.summary = nested(run.summary)
        run.history = merged(run.history)
    return found


def payloads(path: Path) -> Iterator[bytes]:
    """Yield the messages of a file, up to its end or to the first one that was not written whole.

    Raises:
        ArtifactError: not a W&B file.
    """
    data = path.read_bytes()
    if data[:4] != b":W&B"[: len(data)]:
        raise ArtifactError(f"{path}: starts with {data[:4]!r}; expected an offline file of W&B")
    parts = b""
    for kind, chunk in _chunks(data):
        parts = chunk if kind in (FULL, FIRST) else parts + chunk
        if kind in (FULL, LAST):
            yield parts


def _chunks(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = HEADER
    while position + HEADER <= len(data):
        rest = BLOCK - position % BLOCK
        if rest < HEADER:
            position += rest
            continue
        checksum, length, kind = struct.unpack_from("<IHB", data, position)
        if kind == 0 and length == 0:
            position += rest
            continue
        chunk = data[position + HEADER : position + HEADER + length]
        if len(chunk) < length or zlib.crc32(chunk, zlib.crc32(bytes([kind]))) != checksum:
            return
        position += HEADER + length
        yield kind, chunk


def _read_into(run: WandbRun, path: Path) -> None:
    from wandb.proto import wandb_internal_pb2

    messages: Any = wandb_internal_pb2
    for payload in payloads(path):
        record = messages.Record.FromString(payload)
        match record.WhichOneof("record_type"):
            case "summary":
                run.summary |= _values(record.summary.update)
            case "history":
                run.history.append(_values(record.history.item))
                run.summary |= run.history[-1]


def _values(items: Any) -> dict[str, Any]:
    """Return the values of a message read from their JSON; one call for all, as there are a million."""
    texts = {item.key or "/".join(item.nested_key): item.value_json or "null" for item in items}
    return dict(zip(texts, json.loads(f"[{','.join(texts.values())}]"), strict=True))


def merged(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows in the order of their steps; of those with one step the last."""
    by_step = {row.get("_step", index): row for index, row in enumerate(rows)}
    return [by_step[step] for step in sorted(by_step)]


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by names that are parted by `/` as a tree, without W&B's own, which begin with `_`."""
    result: dict[str, Any] = {}
    for name, value in flat.items():
        if name.startswith("_"):
            continue
        *parents, last = name.split("/")
        inner = result
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return result

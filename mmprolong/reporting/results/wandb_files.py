"""W&B's offline files (`run-*.wandb`) read without a server: a LevelDB log of `wandb_internal.Record` messages.

Source: https://github.com/google/leveldb/blob/main/doc/log_format.md; the header is `:W&B`, two magic bytes, a version.
"""

import json
import struct
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmprolong.errors import ArtifactError

BLOCK = 32 * 1024
HEADER = 7
"""Bytes before the first entry of a file, and before the payload of an entry."""
FULL, FIRST, LAST = 1, 2, 4


class WandbRun(NamedTuple):
    """Summary and history of one run, over all its offline folders."""

    summary: dict[str, Any]
    """Nested by the `/` of the names; without W&B's own, which begin with `_`."""
    history: list[dict[str, Any]]
    """Rows in the order of their steps; of those with one step the last."""


def read_runs(folder: Path, ids: Collection[str] | None = None) -> dict[str, WandbRun]:
    """Read the runs of all offline folders below `folder`, by run id; those that were requeued are merged.

    Args:
        ids: read these runs alone.

    Raises:
        ArtifactError: a file is none of W&B's.
    """
    from wandb.proto import wandb_internal_pb2

    messages: Any = wandb_internal_pb2
    found: dict[str, tuple[dict[str, Any], dict[int, dict[str, Any]]]] = defaultdict(lambda: ({}, {}))
    for path in sorted(folder.glob("offline-run-*/run-*.wandb")):
        name = path.stem.removeprefix("run-")
        if ids is None or name in ids:
            summary, rows = found[name]
            for record in map(messages.Record.FromString, payloads(path)):
                row = _values(record.history.item)  # of a record of another kind there are none
                summary |= row or _values(record.summary.update)
                if row:
                    rows[row.get("_step", len(rows))] = row
    return {
        name: WandbRun(nested(summary), [rows[step] for step in sorted(rows)])
        for name, (summary, rows) in found.items()
    }


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
        checksum, length, kind = struct.unpack_from("<IHB", data, position)
        if rest < HEADER or kind == length == 0:
            position += rest
            continue
        chunk = data[position + HEADER : position + HEADER + length]
        if len(chunk) < length or zlib.crc32(chunk, zlib.crc32(bytes([kind]))) != checksum:
            return
        position += HEADER + length
        yield kind, chunk


def _values(items: Any) -> dict[str, Any]:
    """Return the values of a message read from their JSON; one call for all, as there are a million."""
    texts = {item.key or "/".join(item.nested_key): item.value_json or "null" for item in items}
    return dict(zip(texts, json.loads(f"[{','.join(texts.values())}]"), strict=True))


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

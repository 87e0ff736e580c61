"""W&B's offline files (`run-*.wandb`) read without a server: a LevelDB log of `wandb_internal.Record` messages.

Source: https://github.com/google/leveldb/blob/main/doc/log_format.md; the header is `:W&B`, two magic bytes, a version.
"""

import json
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmprolong.errors import ArtifactError

BLOCK = 32 * 1024
HEADER = 7
"""Bytes before the first entry of a file, and before the payload of an entry."""
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass(slots=True, kw_only=True)
class WandbRun:
    """Configuration, summary and history of one run, over all its offline folders."""

    id: str
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    """Nested by the `/` of the names; without W&B's own, which begin with `_`."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """Rows in the order of their steps; a row that was logged twice counts once."""


def read_runs(folder: Path, ids: Collection[str] | None = None) -> dict[str, WandbRun]:
    """Read the runs of all offline folders below `folder`, by run id; those that were requeued are merged.

    Args:
        ids: read these runs alone.
    """
    return {name: read_run(name, files) for name, files in run_files(folder).items() if ids is None or name in ids}


def run_files(folder: Path) -> dict[str, list[Path]]:
    """Return the offline files below `folder` by run id, oldest first."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("offline-run-*/run-*.wandb")):
        found.setdefault(path.stem.removeprefix("run-"), []).append(path)
    return found


def read_run(name: str, files: Sequence[Path]) -> WandbRun:
    """Read one run from all its files.

    Raises:
        ArtifactError: a file is none of W&B's.
    """
    run = WandbRun(id=name)
    summary: dict[str, str] = {}
    for path in files:
        _read_into(run, summary, path)
    run.summary = nested(_values({key: text for key, text in summary.items() if not key.startswith("_")}))
    run.history = merged(run.history)
    return run


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


def _read_into(run: WandbRun, summary: dict[str, str], path: Path) -> None:
    """Add the content of a file; the summary stays as JSON until all is read."""
    from wandb.proto import wandb_internal_pb2

    messages: Any = wandb_internal_pb2
    for payload in payloads(path):
        record = messages.Record.FromString(payload)
        match record.WhichOneof("record_type"):
            case "run":
                run.config |= _values(_texts(record.run.config.update))
            case "config":
                run.config |= _values(_texts(record.config.update))
            case "summary":
                summary |= _texts(record.summary.update)
            case "history":
                row = _texts(record.history.item)
                run.history.append(_values(row))
                summary |= row


def _texts(items: Any) -> dict[str, str]:
    return {item.key or "/".join(item.nested_key): item.value_json or "null" for item in items}


def _values(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return values read from their JSON; one call for all, as there are a million."""
    return dict(zip(texts, json.loads(f"[{','.join(texts.values())}]"), strict=True))


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows in the order of their steps; of those with one step the last."""
    by_step = {row.get("_step", index): row for index, row in enumerate(rows)}
    return [by_step[step] for step in sorted(by_step)]


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return a summary whose names are parted by `/` as a tree."""
    result: dict[str, Any] = {}
    for name, value in flat.items():
        *parents, last = name.split("/")
        inner = result
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return result

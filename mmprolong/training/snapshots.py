"""Snapshots within a phase: everything that the next update depends on, whole or not there.

A snapshot holds whole tensors by name, so that another number of processes, or another engine, can read it.
"""

import hashlib
import math
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as serialised

from mmprolong.errors import DataError, DiskFull
from mmprolong.store.atomic import read_json, write_file, write_json
from mmprolong.training.layout import Layout

MOMENTS = ("exp_avg", "exp_avg_sq", "step")
"""State of AdamW for a weight."""
_ALONE = Layout()
_MANIFEST = "manifest.json"
_FILE_BYTES = 2**30
State = dict[str, Any]
"""JSON values; `updates` names the snapshot."""


@dataclass
class Snapshot:
    """One on disk."""

    folder: Path
    state: State

    @cached_property
    def _files(self) -> dict[str, Any]:
        opened = [safe_open(path, "pt") for path in sorted(self.folder.glob("*.safetensors"))]
        return {name: file for file in opened for name in file.keys()}  # noqa: SIM118

    @property
    def names(self) -> Iterable[str]:
        """Names of its tensors."""
        return self._files.keys()

    def read(self, name: str) -> torch.Tensor:
        """Return a tensor, on the processor.

        Raises:
            DataError: there is none of this name.
        """
        if name not in self._files:
            raise DataError(f"{self.folder}: has no {name!r}, so it is of another model; delete it to train anew")
        return self._files[name].get_tensor(name)


def save(folder: Path, tensors: Iterable[tuple[str, torch.Tensor]], state: State, layout: Layout = _ALONE) -> None:
    """Write the snapshot of an update; it counts only once its manifest is there.

    Args:
        folder: of snapshots alone, the same for all processes.
        tensors: whole ones by name, the same on all processes, each of which writes its share.

    Raises:
        DiskFull: earlier snapshots are as they were, and of this process's share nothing is left.
    """
    whole = folder / f"{state['updates']:08d}"
    partial = whole.with_suffix(".partial")
    if layout.rank == 0:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    layout.wait()
    own = (each for number, each in enumerate(tensors) if number % layout.size == layout.rank)
    digests: dict[str, str] = {}
    try:
        for number, share in enumerate(_filled(own)):
            name = f"{layout.rank:05d}-{number:05d}.safetensors"
            content = serialised(share)
            digests[name] = hashlib.sha256(content).hexdigest()
            write_file(partial / name, content)
        write_json(partial / f"{layout.rank:05d}.json", digests)
    except DiskFull:
        for name in digests:
            (partial / name).unlink(missing_ok=True)
        raise
    layout.wait()
    if layout.rank == 0:
        files = {name: digest for path in sorted(partial.glob("*.json")) for name, digest in read_json(path).items()}
        write_json(partial / _MANIFEST, {"state": state, "files": files})
        shutil.rmtree(whole, ignore_errors=True)
        partial.rename(whole)
    layout.wait()


def make_room(folder: Path, keep: int, limit: float = math.inf, coming: bool = False) -> None:
    """Remove the oldest snapshots beyond a number and a size, never the newest, and what a kill left half written.

    Args:
        limit: size of those that stay [bytes].
        coming: one more of the newest's size is to fit into it.
    """
    whole = sorted(folder.glob("[0-9]" * 8), reverse=True)
    size = sum(map(_size, whole[:1])) * (2 if coming else 1)
    kept = whole[:1]
    for path in whole[1:keep]:
        size += _size(path)
        if size <= limit:
            kept.append(path)
    for other in set(folder.glob("*")) - set(kept):
        shutil.rmtree(other)


def newest(folder: Path, layout: Layout = _ALONE) -> Snapshot | None:
    """Return the newest whole snapshot, or None if there is none; each process checks its share of the files.

    Raises:
        DataError: there are snapshots, and all of them are damaged.
    """
    damaged: dict[Path, str] = {}
    for path in sorted(folder.glob("[0-9]" * 8), reverse=True):
        manifest = read_json(path / _MANIFEST)
        own = sorted(manifest["files"].items())[layout.rank :: layout.size]
        file = next((name for name, digest in own if _digest(path / name) != digest), "")
        if layout.any(bool(file)):
            damaged[path] = file
            continue
        for other in damaged if layout.rank == 0 else ():
            sys.stderr.write(f"{other}: damaged, and removed; training goes on from {path.name}\n")
            shutil.rmtree(other)
        return Snapshot(path, manifest["state"])
    for path, file in damaged.items():
        raise DataError(f"{path / file}: damaged, and no older checkpoint is whole; delete {folder} to train anew")
    return None


def _size(snapshot: Path) -> int:
    return sum(path.stat().st_size for path in snapshot.iterdir())


def _digest(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _filled(tensors: Iterable[tuple[str, torch.Tensor]]) -> Iterator[dict[str, torch.Tensor]]:
    """Yield the tensors in shares of a file's size."""
    share: dict[str, torch.Tensor] = {}
    size = 0
    for name, tensor in tensors:
        share[name] = tensor.detach().cpu().contiguous()
        size += tensor.nbytes
        if size >= _FILE_BYTES:
            yield share
            share, size = {}, 0
    if share:
        yield share

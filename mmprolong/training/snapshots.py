"""Snapshots within a phase: everything that the next update depends on, whole or not there.

A snapshot holds whole tensors by name, so that another number of processes, or another engine, can read it.
"""

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as serialised

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
        """Return a tensor, on the processor."""
        return self._files[name].get_tensor(name)


def save(
    folder: Path, tensors: Iterable[tuple[str, torch.Tensor]], state: State, layout: Layout = _ALONE, keep: int = 1
) -> None:
    """Write the snapshot of an update and drop the older ones; it counts only once its manifest is there.

    Args:
        folder: of snapshots alone, the same for all processes.
        tensors: whole ones by name, the same on all processes, each of which writes its share.
        keep: how many snapshots stay.
    """
    whole = folder / f"{state['updates']:08d}"
    partial = whole.with_suffix(".partial")
    if layout.rank == 0:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    layout.wait()
    own = (each for number, each in enumerate(tensors) if number % layout.size == layout.rank)
    digests: dict[str, str] = {}
    for number, share in enumerate(_filled(own)):
        name = f"{layout.rank:05d}-{number:05d}.safetensors"
        content = serialised(share)
        digests[name] = hashlib.sha256(content).hexdigest()
        write_file(partial / name, content)
    write_json(partial / f"{layout.rank:05d}.json", digests)
    layout.wait()
    if layout.rank == 0:
        files = {name: digest for path in sorted(partial.glob("*.json")) for name, digest in read_json(path).items()}
        write_json(partial / _MANIFEST, {"state": state, "files": files})
        shutil.rmtree(whole, ignore_errors=True)
        partial.rename(whole)
        kept = [path for path in sorted(folder.iterdir(), reverse=True) if path.suffix != ".partial"][:keep]
        for other in set(folder.iterdir()) - set(kept):
            shutil.rmtree(other)
    layout.wait()


def newest(folder: Path, layout: Layout = _ALONE) -> Snapshot | None:
    """Return the newest whole snapshot, or None if there is none; each process checks its share of the files."""
    for path in sorted(folder.glob("[0-9]" * 8), reverse=True):
        manifest = read_json(path / _MANIFEST)
        own = sorted(manifest["files"].items())[layout.rank :: layout.size]
        damaged = any(_digest(path / name) != digest for name, digest in own)
        if not layout.any(damaged):
            return Snapshot(path, manifest["state"])
    return None


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

"""Snapshots within a phase: everything that the next update depends on, whole or not there."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from mmprolong.store.atomic import read_json, write_json
from mmprolong.store.store import hash_outputs

_MANIFEST = "manifest.json"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
State = dict[str, Any]
"""JSON values; `updates` names the snapshot."""


def save(folder: Path, weights: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer, state: State) -> None:
    """Write the snapshot of an update and drop the older ones; it counts only once its manifest is there.

    Args:
        folder: of snapshots alone.
        weights: that `optimizer` moves, by name.
    """
    partial = folder / f"{state['updates']:08d}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file({name: tensor.detach().contiguous() for name, tensor in weights.items()}, partial / "model.safetensors")
    save_file(_moments(weights, optimizer), partial / "optimizer.safetensors")
    write_json(partial / _MANIFEST, {"state": state, "files": hash_outputs(partial)})
    whole = partial.with_suffix("")
    shutil.rmtree(whole, ignore_errors=True)
    partial.rename(whole)
    for other in folder.iterdir():
        if other != whole:
            shutil.rmtree(other)


def restore(folder: Path, weights: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer) -> State | None:
    """Load the newest whole snapshot into weights and optimizer; return its state, or None if there is none."""
    for snapshot in sorted(folder.glob("[0-9]" * 8), reverse=True):
        manifest = read_json(snapshot / _MANIFEST)
        found = {name: digest for name, digest in hash_outputs(snapshot).items() if name != _MANIFEST}
        if found == manifest["files"]:
            _load(snapshot, weights, optimizer)
            return manifest["state"]
    return None


def _moments(weights: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{moment}/{name}": optimizer.state[tensor][moment].contiguous()
        for name, tensor in weights.items()
        if tensor in optimizer.state
        for moment in _MOMENTS
    }


def _load(snapshot: Path, weights: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer) -> None:
    saved, moments = load_file(snapshot / "model.safetensors"), load_file(snapshot / "optimizer.safetensors")
    with torch.no_grad():
        for name, tensor in weights.items():
            tensor.copy_(saved[name])
            if f"step/{name}" in moments:
                optimizer.state[tensor] = {each: moments[f"{each}/{name}"].to(tensor.device) for each in _MOMENTS}

"""Snapshots within a phase: everything that the next update depends on, whole or not there."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mmprolong.store.atomic import read_json, write_json
from mmprolong.store.store import hash_outputs

CHECKPOINTS = "checkpoints"
_MANIFEST = "manifest.json"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def save(scratch: Path, weights: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer, state: dict) -> None:
    """Write the snapshot of an update and drop the older ones; it counts only once its manifest is there.

    Args:
        scratch: of the step.
        weights: that `optimizer` moves, by name.
        state: JSON values; `updates` names the snapshot.
    """
    root = scratch / CHECKPOINTS
    partial = root / f"{state['updates']:08d}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file({name: tensor.detach().contiguous() for name, tensor in weights.items()}, partial / "model.safetensors")
    save_file(_moments(weights, optimizer), partial / "optimizer.safetensors")
    write_json(partial / _MANIFEST, {"state": state, "files": hash_outputs(partial)})
    whole = partial.with_suffix("")
    shutil.rmtree(whole, ignore_errors=True)
    partial.rename(whole)
    for other in root.iterdir():
        if other != whole:
            shutil.rmtree(other)


def restore(scratch: Path, weights: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer) -> dict | None:
    """Load the newest whole snapshot into weights and optimizer; its state, or None if there is none."""
    for snapshot in sorted((scratch / CHECKPOINTS).glob("[0-9]" * 8), reverse=True):
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

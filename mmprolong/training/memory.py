"""The most memory that training has taken."""

import resource

import torch


def reset_peak(device: torch.device) -> None:
    """Begin to count anew, where the device can: the peak of a process never falls."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> float:
    """Peak of what was allocated on a GPU, or of this process's resident memory [GB]."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9

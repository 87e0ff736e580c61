"""The most memory that training has taken."""

import resource

import torch


def reset_peak() -> None:
    """Reset the peak, where the device can: the peak of a process never falls."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> float:
    """Return the peak of the memory allocated on the GPU, or of this process's resident memory [GB]."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9

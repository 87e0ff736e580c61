"""What an override is about, and in which order overrides are applied."""

from collections.abc import Iterable

SWEEP = "sweep"
"""The block of an ablation."""
JOBS = "cluster.jobs"
"""What the steps of a stage ask Slurm for, by stage."""


def key_of(override: str) -> str:
    """The key or group that an override sets."""
    return override.strip().lstrip("+~").partition("=")[0]


def in_order(overrides: Iterable[str]) -> list[str]:
    """As they are applied: what all jobs ask for comes before what one stage asks for."""
    return sorted(overrides, key=lambda text: not key_of(text).startswith(f"{JOBS}.default."))

"""What an override is about."""

DEFAULT = "default"
"""In place of a stage in `JOBS`: what all stages ask for that do not say more."""
SWEEP = "sweep"
"""The block of an ablation."""
JOBS = "cluster.jobs"
"""What the steps of a stage ask Slurm for, by stage."""


def key_of(override: str) -> str:
    """The key or group that an override sets."""
    return override.strip().lstrip("+~").partition("=")[0]

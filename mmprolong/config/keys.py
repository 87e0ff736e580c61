"""What an override is about, and how one is written."""

import re

DEFAULT = "default"
"""In place of a stage in `JOBS`: what all stages ask for that do not say more."""
SWEEP = "sweep"
"""The block of an ablation."""
JOBS = "cluster.jobs"
"""What the steps of a stage ask Slurm for, by stage."""

_PLAIN = re.compile(r"[\w./:+-]+", re.ASCII)


def assigned(key: str, text: str) -> str:
    """The override that sets `key` to `text`, in quotes where its grammar asks for them or would read a number."""
    if "/" in text and _PLAIN.fullmatch(text):
        return f"{key}={text}"
    escaped = re.sub(r"\\+(?='|\Z)", lambda found: 2 * found[0], text).replace("'", r"\'")
    return f"{key}='{escaped}'"


def key_of(override: str) -> str:
    """The key or group that an override sets."""
    return override.strip().lstrip("+~").partition("=")[0]

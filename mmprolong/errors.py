"""Every error that a user can cause. `<where>: <found>; <allowed, or what to do>`; the CLI prints it in one line."""

from collections.abc import Iterable
from difflib import get_close_matches


class MMProLongError(Exception):
    """Base of all errors that are the input's fault, not a bug: one line, exit code 1."""


class ConfigError(MMProLongError):
    """A setting is unknown, misspelt or impossible."""


class DataError(MMProLongError):
    """A file or record that was read is not what it should be."""


class ArtifactError(MMProLongError):
    """A finished step's folder is missing, damaged or held by somebody else."""


class FeasibilityError(MMProLongError):
    """The request is well formed but the data at hand cannot satisfy it."""


class StepFailed(MMProLongError):
    """A step of the plan ended without a result."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The end of an error message about a misspelt name: the nearest match and all that is allowed."""
    names = sorted(set(allowed))
    match = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {match[0]!r}? " if match else ""
    return f"{hint}allowed: {', '.join(names) or '(nothing)'}"

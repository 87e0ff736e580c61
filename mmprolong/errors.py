"""Every error that a user can cause. `<where>: <found>; <allowed, or what to do>`; the CLI prints it in one line."""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path


class MMProLongError(Exception):
    """Base of all errors that are the input's fault, not a bug: one line, exit code 1."""


class ConfigError(MMProLongError):
    """A setting is unknown, misspelt or impossible."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong value of a configuration."""

    key: str
    message: str
    """The value that was found; the allowed values, or advice."""
    where: str = ""
    """File and line, or override, that set it. Empty: not looked up."""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class InvalidSettings(ConfigError):
    """Values are impossible: a line each, and no line twice."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))


class DataError(MMProLongError):
    """A file or record has the wrong content."""


class ArtifactError(MMProLongError):
    """A finished step's folder is missing, damaged or held by somebody else."""


class Confounded(MMProLongError):
    """Two arms differ in more than what they are to differ in."""


class FeasibilityError(MMProLongError):
    """The request is well formed but the data at hand cannot satisfy it."""


class StepFailed(MMProLongError):
    """A step of the plan ended without a result."""


class SchedulerError(MMProLongError):
    """Slurm is not there, does not answer, or refuses a job."""


class DiskFull(MMProLongError):
    """A file could not be written for want of space."""


class EndpointError(MMProLongError):
    """A model's server refuses every request: its key, address or name is wrong, or it is gone."""


class OverBudget(MMProLongError):
    """The next request to a model might cost more than is allowed."""


class RequestFailed(MMProLongError):
    """One request to a model has no usable answer.

    Args:
        reason: short and countable.
        again: asked later, it may succeed (no answer came); else it gets the same again (the answer is no use).
    """

    def __init__(self, reason: str, detail: str = "", again: bool = False) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail, self.again = reason, detail, again


def out_of_space(error: BaseException, where: object) -> str:
    """Return the message about a file system that was full while `where` was written; empty for any other error."""
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    if not full and "No space left on device" not in str(error):  # libraries that are not Python say it in words only
        return ""
    return f"{where}: no space left on the device; free some and run the same command again, finished steps stay"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name `path` if the disk is full while it is written.

    Raises:
        DiskFull: in place of the library's own error.
    """
    try:
        yield
    except MMProLongError:
        raise
    except Exception as error:
        told = out_of_space(error, path)
        if told:
            raise DiskFull(told) from error
        raise


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return the end of an error message about a misspelt name: the nearest match and all allowed names."""
    names = sorted(set(allowed))
    match = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {match[0]!r}? " if match else ""
    return f"{hint}allowed: {', '.join(names) or '(nothing)'}"


def check_name(key: str, name: str, allowed: Iterable[str], kind: str) -> Iterator[Problem]:
    """Yield the problem of a name that is not among those allowed; names the nearest.

    Args:
        kind: what it should name.
    """
    known = list(allowed)
    if name not in known:
        yield Problem(key, f"{name!r} is no {kind}; {nearest(name, known)}")

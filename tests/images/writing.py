"""A job for child processes."""

from pathlib import Path


def write(path: str) -> None:
    Path(path).write_text("written")

"""The instances from which a phase of a run is drawn."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from mmprolong.pipeline.plan import Point
from mmprolong.records import read_jsonl

T = TypeVar("T")


def phase_instances(store: Path, point: Point, phase: str, kind: type[T]) -> Iterator[T]:
    """The lines of `instances.jsonl` of a phase's source, then of its short data.

    Args:
        kind: what is read of a line: `Instance`, or a record with some of its fields.

    Raises:
        DataError: a line is not a `kind`.
        OSError: a file is gone.
    """
    for role in (f"{phase}.source", f"{phase}.short"):
        if role in point.steps:
            yield from read_jsonl(store / "synthesis" / point.steps[role] / "instances.jsonl", kind)

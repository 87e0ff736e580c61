"""A stage for tests of what runs stages: adds numbers up, one at a time, and goes on from the sum."""

from dataclasses import dataclass, field
from typing import Any

from mmprolong.errors import DataError
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.work import Work


@dataclass
class AddingSettings:
    numbers: list[int] = field(default_factory=list)
    start: int = 0


def run(settings: AddingSettings, work: Work) -> dict[str, Any]:
    """Write sum.txt; a negative number is refused."""
    kept = work.scratch / "sum"
    total, done = map(int, kept.read_text().split()) if kept.exists() else (settings.start, 0)
    for number in settings.numbers[done:]:
        if number < 0:
            raise DataError(f"numbers: {number}; give a positive one")
        total, done = total + number, done + 1
        kept.write_text(f"{total} {done}")
        if work.log.stopping():
            raise Interrupted
    total += sum(int((folder / "sum.txt").read_text()) for folder in work.inputs.values())
    (work.out / "sum.txt").write_text(str(total))
    work.log.metrics({"sum": total}, 0)
    return {"overall": total}

"""The stage of `adding` in parts, a number each."""

from typing import Any

from mmprolong.runtime.parts import is_written, results, write_part
from mmprolong.runtime.work import Work
from tests.pipeline.adding import AddingSettings


def parts(settings: AddingSettings, work: Work) -> int:
    return len(settings.numbers)


def run_part(settings: AddingSettings, work: Work, part: int) -> None:
    assert not is_written(work, part + 1)
    write_part(work, part, [settings.numbers[part]])


def join(settings: AddingSettings, work: Work) -> dict[str, Any]:
    return {"overall": sum(results(work, len(settings.numbers), int))}

"""Each part writes its number, and in a diary of the store who wrote it."""

import os
import time
from typing import Any

from mmprolong.echo.settings import Counting

from mmprolong.runtime.parts import results, write_part
from mmprolong.runtime.work import Work
from mmprolong.store.jsonl import write_jsonl


def parts(settings: Counting, work: Work) -> int:
    return settings.parts


def run_part(settings: Counting, work: Work, part: int) -> None:
    time.sleep(settings.seconds)
    with (work.store / "ran.txt").open("a") as file:
        file.write(f"{part} {os.environ.get('SLURM_ARRAY_TASK_ID', os.getpid())}\n")
    write_part(work, part, [part])


def join(settings: Counting, work: Work) -> dict[str, Any]:
    write_jsonl(work.out / "numbers.jsonl", results(work, settings.parts, int))
    return {"parts": settings.parts}

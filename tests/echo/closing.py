"""Read a sum, and write another."""

import json
import os
import time
from typing import Any

from mmprolong.echo.settings import Closing

from mmprolong.runtime.work import Work


def run(settings: Closing, work: Work) -> dict[str, Any]:
    if settings.megabytes:
        taken = bytearray(settings.megabytes * 2**20)
        _await_end(settings.megabytes)
        taken.clear()
    total = json.loads((work.inputs["sum"] / "sum.json").read_text()) + settings.add
    (work.out / "closed.json").write_text(json.dumps(total))
    return {"overall": 0.5, "accuracy": {}}


def _await_end(taken: int) -> None:
    """Give Slurm, which looks once a second, time to end a job that has taken more than it asked for."""
    for _ in range(60):
        if int(os.environ.get("SLURM_MEM_PER_NODE", taken)) >= taken:
            return
        time.sleep(1)

"""Read a sum, and write another."""

import json
import time
from typing import Any

from mmprolong.echo.settings import Closing

from mmprolong.runtime.work import Work


def run(settings: Closing, work: Work) -> dict[str, Any]:
    if settings.megabytes:
        taken = bytearray(settings.megabytes * 2**20)
        time.sleep(20)  # Slurm looks once a second
        taken.clear()
    total = json.loads((work.inputs["sum"] / "sum.json").read_text()) + settings.add
    (work.out / "closed.json").write_text(json.dumps(total))
    return {"overall": 0.5, "accuracy": {}}

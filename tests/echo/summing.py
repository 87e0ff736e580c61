"""Add up one of each rank, update by update; all ranks stop where any is asked to."""

import json
import os
import signal
import time
from typing import Any

from mmprolong.echo.settings import Summing

from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.work import Work


def run(settings: Summing, work: Work) -> dict[str, Any]:
    together = work.world.size > 1
    if together:
        import torch
        import torch.distributed as dist

        dist.init_process_group("gloo")
    kept = work.scratch / "sum.json"
    done, total = json.loads(kept.read_text()) if kept.exists() else (0, 0)
    for update in range(done, settings.updates):
        time.sleep(settings.seconds)
        if work.world.rank == settings.fails and update == 1:
            _fail(settings.how)
        one, stopping = 1, int(work.log.stopping())
        if together:
            sums = torch.tensor([one, stopping])
            dist.all_reduce(sums)
            one, stopping = sums.tolist()
        total += one
        work.log.metrics({"update": update + 1, "sum": total}, update)
        if work.world.rank == 0:
            kept.write_text(json.dumps([update + 1, total]))
            work.log.progress(update + 1, settings.updates, "updates")
        if stopping:
            if together:
                dist.barrier()
            raise Interrupted
    if work.world.rank == 0:
        (work.out / "sum.json").write_text(json.dumps(total))
    if together:
        dist.barrier()
        dist.destroy_process_group()
    return {"sum": total, "size": work.world.size}


def _fail(how: str) -> None:
    if how == "raise":
        raise ValueError("no such page")
    os.kill(os.getpid(), signal.SIGKILL)

"""One rank of a step, started by `torch.distributed.run` (see `ranks`).

Standard input ends when the step is asked to stop, or when the process that started the ranks is killed.
"""

import os
import sys
import threading
from pathlib import Path

import msgspec

from mmprolong.pipeline.run import follow_step, run_step
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.signals import StopSignals
from mmprolong.runtime.work import World
from mmprolong.settings.execution import Tracking
from mmprolong.store.store import Store

_GRACE = 300.0
"""Time that a rank has to save its progress once standard input has ended [s]."""


def main(store: str, step: str, tracking: str, group: str) -> None:
    """Run this rank of a step; one that is asked to stop ends with exit code 0."""
    signals, ended = StopSignals(), threading.Event()
    threading.Thread(target=_watch, args=(ended,), daemon=True).start()
    world = World(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), os.environ["TORCHELASTIC_RUN_ID"])
    decoded = msgspec.json.decode(step, type=Step)

    def stopping() -> bool:
        return ended.is_set() or signals.stopping()

    try:
        if world.rank == 0:
            run_step(Store(Path(store)), decoded, msgspec.json.decode(tracking, type=Tracking), group, stopping, world)
        else:
            follow_step(Store(Path(store)), decoded, stopping, world)
    except Interrupted:
        return


def _watch(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()
    threading.Event().wait(_GRACE)
    os._exit(1)  # the ranks that it waits for in a collective call are gone


if __name__ == "__main__":
    main(*sys.argv[1:])

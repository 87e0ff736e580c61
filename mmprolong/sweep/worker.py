"""A process that runs steps one after another, so that the heavy imports are paid once.

Reads step ids from standard input, one a line; answers with one JSON line each. All other output goes to the log.
"""

import json
import os
import sys
from pathlib import Path

import msgspec

from mmprolong.artifacts import Store
from mmprolong.config import Tracking
from mmprolong.errors import MMProLongError
from mmprolong.plans import Plan, read_plan
from mmprolong.stages import run_step


def main(store: str, plan: str, tracking: str) -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    loaded = read_plan(Path(plan))
    mirror = msgspec.json.decode(tracking, type=Tracking)
    for line in sys.stdin:
        answers.write(json.dumps(serve(Store(Path(store)), loaded, line.strip(), mirror)) + "\n")


def serve(store: Store, plan: Plan, name: str, tracking: Tracking) -> dict[str, str]:
    """Run one step: `{"id", "error"}`, the error empty if it is finished."""
    try:
        run_step(store, plan.steps[name], tracking, group=plan.ablation)
    except MMProLongError as error:
        return {"id": name, "error": str(error)}
    except Exception as error:  # noqa: BLE001  (a bug in one arm must not sink the others; its traceback is in failed.json)
        return {"id": name, "error": f"{type(error).__name__}: {error}"}
    return {"id": name, "error": ""}


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Offline runs of W&B as steps leave them."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mmprolong.records import Score
from mmprolong.reporting.results.wandb_files import read_runs
from mmprolong.runtime.wandb_logger import WandbLogger
from mmprolong.settings.execution import Tracking

MADE: dict[str, Any] = {"commit": "0123abc", "packages": {"numpy": np.__version__}, "hardware": "2 x CPU"}
"""What every record says of code and machine."""
DIGEST = "0a1b2c3d4e5f"
"""Of the one source file that every step is said to have used."""


def mirror(store: Path, ablation: str, step: str, metrics: dict, scores: Sequence[Score], digest: str = DIGEST) -> None:
    """One offline W&B run as a score step leaves it; without `scores` it holds the means alone."""
    config = {"step": step, "stage": "score", "code": [f"score/stage.py {digest}"], **MADE}
    run = WandbLogger(step, config, step, ablation, store, Tracking())
    for number, score in enumerate(scores):
        run.metrics(msgspec.to_builtins(score), number)
    run.finish(metrics, failed=False)
    await_summary(store / "wandb", step)


def await_summary(folder: Path, step: str, seconds: float = 10.0) -> None:
    """Wait for a run's end: `finish` may return before W&B's own process has written the last lines."""
    end = time.monotonic() + seconds
    while "overall" not in read_runs(folder, {step})[step].summary:
        assert time.monotonic() < end, f"W&B did not write {step}"
        time.sleep(0.02)

"""A trace of the first updates, to be opened in https://ui.perfetto.dev."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule


@contextmanager
def traced(updates: int, file: Path) -> Iterator[Callable[[], None]]:
    """Trace so many updates after the first two; yields what is to be called after each update.

    Args:
        updates: 0: trace none.
        file: of the trace, JSON.
    """
    if not updates:
        yield lambda: None
        return
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    file.parent.mkdir(parents=True, exist_ok=True)
    with profile(
        activities=activities,
        schedule=schedule(wait=1, warmup=1, active=updates, repeat=1),
        on_trace_ready=lambda made: made.export_chrome_trace(str(file)),
        profile_memory=True,
    ) as profiler:
        yield profiler.step

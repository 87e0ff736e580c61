"""How long a thousand runs take to be read from W&B's offline files: `python benchmarks/reading.py [runs] [rows]`."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from mmprolong.config import Tracking
from mmprolong.mirror import Mirror
from mmprolong.reporting.wandb_files import read_runs


def one_run(folder: Path, rows: int) -> Path:
    """A real offline run of `rows` scored questions."""
    mirror = Mirror("score-0", {"step": "score-0"}, "score-0", "reading", folder, Tracking())
    for row in range(rows):
        where = {"document": f"document-{row // 4}", "task": "reasoning", "length": "4x", "depth": 0.5}
        answer = {"value": float(row % 2), "parsed": "7", "target": "7", "scorer": "exact_match-1"}
        mirror.metrics({"sample": f"sample-{row}", **where, **answer}, row)
    mirror.finish({"overall": 0.5, "accuracy": {"4x": 0.5}}, failed=False)
    path = next(folder.glob("wandb/offline-run-*/run-*.wandb"))
    while "overall" not in read_runs(folder / "wandb")["score-0"].summary:
        time.sleep(0.05)
    return path


def main() -> None:
    """Print the time of the first and of the second reading."""
    runs, rows = (int(text) for text in (*sys.argv[1:], "1000", "50")[:2])
    with tempfile.TemporaryDirectory() as name:
        path = one_run(Path(name), rows)
        folder = Path(name) / "many"
        for index in range(runs):
            copy = folder / f"offline-run-20260101_000000-score-{index}" / f"run-score-{index}.wandb"
            copy.parent.mkdir(parents=True)
            shutil.copyfile(path, copy)
        for _ in range(2):
            started = time.perf_counter()
            found = read_runs(folder)
            seconds = time.perf_counter() - started
            assert len(found) == runs and all(len(run.history) == rows for run in found.values())
            print(f"{runs} runs of {rows} rows, {path.stat().st_size} bytes each: {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()

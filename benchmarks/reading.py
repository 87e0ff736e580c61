"""How long a thousand runs take to be read from W&B's offline files.

`python benchmarks/reading.py [runs] [questions of each]`
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from mmprolong.pipeline.plan import Plan, Point, save_plan
from mmprolong.reporting.results.wandb import read_offline
from mmprolong.reporting.results.wandb_files import read_runs
from mmprolong.runtime.wandb_logger import WandbLogger
from mmprolong.settings.execution import Tracking
from mmprolong.store.store import Store


def one_run(folder: Path, rows: int) -> Path:
    """A real offline run of `rows` scored questions."""
    mirror = WandbLogger("score-0", {"step": "score-0"}, "score-0", "reading", folder, Tracking())
    for row in range(rows):
        where = {"benchmark": "heldout", "task": "reasoning", "length": "4x", "cluster": f"document-{row // 4}"}
        answer = {"value": float(row % 2), "parsed": "7", "target": "7", "facts": {"depth": 0.5}}
        mirror.metrics({"sample": f"sample-{row}", **where, **answer}, row)
    mirror.finish({"overall": 0.5, "accuracy": {"4x": 0.5}}, failed=False)
    path = next(folder.glob("wandb/offline-run-*/run-*.wandb"))
    while "overall" not in read_runs(folder / "wandb")["score-0"].summary:
        time.sleep(0.05)
    return path


def plan_of(runs: int) -> Plan:
    """Rows of five seeds."""
    config = {"suite": {"overall": ["4x"]}, "phases": {}}
    points = (
        Point(label=f"arm {index // 5}", seed=index % 5, config=config, steps={"score.heldout": f"score-{index}"})
        for index in range(runs)
    )
    return Plan(ablation="reading", baseline="arm 0", points=tuple(points))


def main() -> None:
    """Print the time of reading."""
    runs, rows = (int(text) for text in (*sys.argv[1:], "1000", "50")[:2])
    with tempfile.TemporaryDirectory() as name:
        path = one_run(Path(name), rows)
        store = Path(name) / "store"
        save_plan(Store(store), plan_of(runs))
        for index in range(runs):
            copy = store / "wandb" / f"offline-run-20260101_000000-score-{index}" / f"run-score-{index}.wandb"
            copy.parent.mkdir(parents=True)
            shutil.copyfile(path, copy)
        started = time.perf_counter()
        found = read_offline(store / "wandb", "reading")
        seconds = time.perf_counter() - started
        assert len(found.results) == runs and all(len(one.scores) == rows for one in found.results.values())
        print(f"{runs} runs of {rows} questions: {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()

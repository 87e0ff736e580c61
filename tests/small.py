"""A sweep so small that it runs in seconds, on real PDFs of the demo pool, through every stage."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.corpus.pdfs import articles

OVERRIDES = [
    "+ablation=length_dist",
    "sweep.seeds=[0,1]",
    "~sweep.points.long_biased",
    "~sweep.points.short_biased",
    "phases.align.mixture.tokens=3072",
    "sources.align.documents=60",
    "phases.window.start=[align]",
    "phases.window.mixture.tokens=2048",
    "sources.window.documents=15",
    "phases.longpt.mixture.tokens=6144",
    "sources.long.documents=60",
    "sources.heldout.documents=3",
    "sources.heldout.lengths=[{name:1x,pages:[4,4]},{name:2x,pages:[8,8]}]",
    "suite.overall=[2x]",
    "suite.trained=2x",
]
ONE_WORKER = ["cluster.processes=1"]
"""For sweeps that are not about workers: each imports torch anew."""


def small_pool(folder: Path) -> Path:
    """The five smallest PDFs of the demo pool that have eight pages or more, and a broken one."""
    folder.mkdir()
    for path in articles()[:6]:
        shutil.copy(path, folder / path.name)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 not really")
    return folder


def command(store: Path, pool: Path, *more: str) -> list[str]:
    """The sweep as a user types it."""
    sweep = [sys.executable, "-m", "mmprolong.sweep", *OVERRIDES]
    return [*sweep, f"corpus.path={pool}", f"paths.store={store}", *more]


def run(words: list[str], **options) -> subprocess.CompletedProcess:
    """Run a command; its output is text, wide enough for tables."""
    environment = {**options.pop("env", os.environ), "COLUMNS": "200"}
    return subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment, check=False, **options)

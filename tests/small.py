"""A sweep so small that it runs in seconds, on real PDFs of the demo pool, through every stage."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mmprolong.corpus.pool import find_pdfs, locate

OVERRIDES = [
    "+ablation=length_dist",
    "sweep.seeds=[0,1]",
    "sweep.points={base:['phases.longpt.mixture.tokens=0'],pool_native:['length_distribution=pool_native'],"
    "uniform:['length_distribution=uniform']}",
    "phases.align.mixture.tokens=3072",
    "phases.align.source.documents=60",
    "phases.text.mixture.tokens=0",
    "phases.boot.mixture.tokens=0",
    "phases.window.mixture.tokens=2048",
    "phases.window.source.documents=15",
    "phases.longpt.mixture.tokens=6144",
    "phases.longpt.source.documents=60",
    "suite.source.documents=3",
    "suite.source.pages=[[4,4],[8,8]]",
    "suite.labels=[1x,2x]",
    "suite.overall=[2x]",
    "suite.trained=2x",
]


def small_pool(folder: Path) -> Path:
    """The five smallest PDFs of the demo pool that have eight pages or more, and a broken one."""
    folder.mkdir()
    for path in sorted(find_pdfs(locate("demo")), key=lambda path: path.stat().st_size)[:6]:
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

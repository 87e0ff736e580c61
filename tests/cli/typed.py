"""What tests of the commands type, and how they read the answer."""

from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.cli.lookup import step_folders
from mmprolong.store.store import Store

TINY = [
    "sweep.seeds=[0]",
    "sweep.baseline=base",
    "~sweep.points.pool_native",
    "+sweep.points.long_biased=['length_distribution=long_biased']",
    "phases.window.start=[]",
    "sources.heldout.documents=1",
    "tracking=off",
]


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints; on an error what it says of it, which must be one line."""
    assert main(words) == code
    out, err = capsys.readouterr()
    assert err.count("\n") == (code != 0), err
    return err if code else out


def hashes(store: Path) -> dict[str, dict[str, str]]:
    records = (Store(store).record(*path.split("/")) for path in step_folders(Store(store)))
    return {record.id: record.outputs for record in records if record is not None}


def step_of(store: Path, stage: str, name: str = "") -> str:
    return next(path for path in step_folders(Store(store)) if path.startswith(f"{stage}/{name}"))


def small(pool: Path, store: Path) -> list[str]:
    return [f"corpus.path={pool}", f"paths.store={store}", "sources.long.documents=40"]

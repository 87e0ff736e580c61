"""A folder of a user's own files: an ablation, a choice of a group and a table."""

from pathlib import Path

FILES = {
    "conf/rope/base_x3.yaml": "# @package phases.longpt.rope\nfactor: 3\n",
    "sweeps/ablation/rope_fine.yaml": """\
# @package _global_
sweep:
  name: rope_fine
  question: Is three times the rotary base enough?
  source: ours
  table: rope_fine
  baseline: 3x
  points:
    3x: [rope=base_x3]
    4x: [rope=base_x4]
""",
    "analysis/tables/rope_fine.py": """\
from mmprolong.reporting.tables.results import ablation_table


def build(runs, published):
    return ablation_table(runs, "Rotary base, finer")
""",
}


def write_own(folder: Path, **more: str) -> Path:
    """Write `FILES`, and `more` by their names, into a new folder `own` below `folder`."""
    return write(folder / "own", {**FILES, **more})


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write texts by their names below `folder`."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder

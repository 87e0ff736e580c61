"""Scores equal what the benchmarks' own functions gave."""

from pathlib import Path

import pytest

from mmprolong.evaluation.rescore import SCORERS, SERVED_BY, rescored
from mmprolong.plugins import names_in

OURS = Path(__file__).parent / "parity"
MORE = Path(__file__).parents[3] / "shared" / "parity"
"""More cases, where somebody has put them beside the project."""

FILES = [
    path
    for path in [*sorted(OURS.glob("*.jsonl")), *sorted(MORE.glob("*.jsonl"))]
    if SERVED_BY.get(path.stem, path.stem) in names_in(SCORERS)
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_score_is_the_official_one(path: Path):
    assert not [line for line in rescored(path.stem, path) if not agrees(line)]


def agrees(line: dict) -> bool:
    if line.get("official_error"):
        return (line["score"], line["malformed"]) == (0, True)
    official = line["official_score"]
    close = pytest.approx(official, abs=1e-9) if isinstance(official, float) else official
    return line["score"] == close and line["malformed"] is False

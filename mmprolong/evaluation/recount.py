"""Means of a score record counted again from its marks: a number that is printed is a number that was judged."""

import math
from collections.abc import Sequence
from pathlib import Path

from mmprolong.evaluation.score import metrics
from mmprolong.records import Score
from mmprolong.store.fingerprint import differences
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import DONE, damaged

_TOLERANCE = 1e-9
"""Sums of floats differ in the last digits between versions of Python."""


def check_means(folder: Path, record: RunRecord, scores: Sequence[Score]) -> None:
    """Compare the means of a score step with those of its marks.

    Args:
        folder: of the step.
        scores: read from its `scores.jsonl`.

    Raises:
        ArtifactError: a mean is not that of the marks; names it.
    """
    for key, recorded, counted in differences(record.metrics, metrics(scores, record.settings.get("overall", []))):
        if not math.isclose(recorded, counted, rel_tol=0, abs_tol=_TOLERANCE):
            raise damaged(folder, DONE, f"{key} is {recorded}, the marks in scores.jsonl give {counted}")

from pathlib import Path

import pytest

from mmprolong.errors import ArtifactError
from mmprolong.evaluation.recount import check_means
from mmprolong.evaluation.score import metrics
from mmprolong.records import Score
from mmprolong.store.run_record import RunRecord

SCORES = [
    Score(
        sample=f"{length}{task}{value}",
        benchmark="b",
        task=task,
        length=length,
        cluster="d",
        target="",
        parsed="",
        value=value,
    )
    for length in ("1x", "2x")
    for task in ("a", "b")
    for value in (0.0, 1.0, 1.0)
]


def record(**changes: object) -> RunRecord:
    found = {**metrics(SCORES, ["2x"]), **changes}
    return RunRecord(
        id="s", stage="score", version=1, settings={"overall": ["2x"]}, needs={}, metrics=found, outputs={}
    )


def test_means_that_are_those_of_the_marks_pass():
    check_means(Path("s"), record(overall=2 / 3 + 1e-12, official=0.5), SCORES)


@pytest.mark.parametrize(
    "changed", [{"overall": 0.7}, {"accuracy": {"1x": 0.67, "2x": 2 / 3}}, {"n": {"1x": 7, "2x": 6}}]
)
def test_a_mean_that_is_not_is_named(changed: dict[str, object]):
    with pytest.raises(ArtifactError, match=r"done.json: (overall|accuracy\.1x|n\.1x) is 0?\.?6?7, the marks .* rm -r"):
        check_means(Path("s"), record(**changed), SCORES)

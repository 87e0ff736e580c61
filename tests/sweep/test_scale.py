from pathlib import Path

from mmprolong.sweep.plan import make_plan
from tests.small import OVERRIDES, small_pool


def test_a_thousand_points_are_planned_and_share_what_is_equal(tmp_path: Path):
    paths = [f"corpus.path={small_pool(tmp_path / 'pool')}", f"paths.store={tmp_path / 'store'}"]
    plan, _ = make_plan([*OVERRIDES, *paths, f"sweep.seeds={list(range(334))}"])
    assert len(plan.points) == 1002
    assert len(plan.steps) < 3 * len(plan.points)

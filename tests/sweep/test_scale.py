import time
from pathlib import Path

from mmprolong.sweep.plan import make_plan
from tests.small import OVERRIDES, small_pool


def test_a_thousand_points_are_planned_in_ten_seconds(tmp_path: Path):
    paths = [f"corpus.path={small_pool(tmp_path / 'pool')}", f"paths.store={tmp_path / 'store'}"]
    began = time.process_time()
    plan, _ = make_plan([*OVERRIDES, *paths, f"sweep.seeds={list(range(334))}"])
    assert len(plan.points) == 1002
    assert time.process_time() - began < 10

import os
import time
from pathlib import Path

import pytest

from mmprolong.errors import DiskFull
from mmprolong.store.store import Store
from mmprolong.sweep.freeze import freeze_launch, launches
from tests.disk import small_disk
from tests.sweep.test_arrays import ARMS


def test_the_same_code_and_plan_are_copied_once(tmp_path: Path):
    assert freeze_launch(Store(tmp_path), ARMS) == freeze_launch(Store(tmp_path), ARMS)
    assert len(list(launches(Store(tmp_path), ARMS.ablation).iterdir())) == 2


def test_a_copy_for_which_there_is_no_room_is_removed(tmp_path: Path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        with pytest.raises(DiskFull, match=r"code-\w+: no space left on the device"):
            freeze_launch(Store(disk), ARMS)
        assert not list(launches(Store(disk), ARMS.ablation).glob("code-*"))


def test_a_copy_that_a_kill_left_half_made_is_removed_by_a_launch_of_another_day(tmp_path: Path):
    folder = launches(Store(tmp_path), ARMS.ablation)
    recent, old = folder / "code-1.2.partial", folder / "code-1.3.partial"
    for path in (recent, old):
        (path / "mmprolong").mkdir(parents=True)
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    freeze_launch(Store(tmp_path), ARMS)
    assert recent.exists() and not old.exists()

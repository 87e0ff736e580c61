from pathlib import Path

import pytest

from mmprolong.errors import DiskFull
from mmprolong.store.store import Store
from mmprolong.sweep.code_copy import copy_code
from tests.disk import small_disk


def test_the_same_code_is_copied_once(tmp_path: Path):
    assert copy_code(Store(tmp_path)) == copy_code(Store(tmp_path))
    assert len(list((tmp_path / "code").iterdir())) == 1


def test_a_copy_for_which_there_is_no_room_is_removed(tmp_path: Path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        with pytest.raises(DiskFull, match=r"code/\w+: no space left on the device"):
            copy_code(Store(disk))
        assert not list((disk / "code").iterdir())

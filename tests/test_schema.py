"""Which keys there are is asked of the schema, which is made once."""

import pytest
from omegaconf import OmegaConf

from mmprolong.config.schema import unknown

KEYS = ["phases.longpt.mixture.supervision.ocr_full", "cluster.jobs.training.minutes"]


def test_a_thousand_rows_that_set_blocks_need_one_schema(monkeypatch: pytest.MonkeyPatch):
    assert [unknown(key) for key in KEYS] == [None, None]
    monkeypatch.delattr(OmegaConf, "structured")
    assert [unknown(key) for key in KEYS] == [None, None]

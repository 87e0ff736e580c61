"""The simulated pool goes through all data stages."""

from pathlib import Path

from benchmarks.scale import STAGES
from mmprolong.records import Pack
from mmprolong.store.jsonl import read_jsonl
from tests.models.tiny import write_model


def test_a_small_pool_goes_through_all_stages(tmp_path: Path):
    write_model("qwen2_5_vl", tmp_path / "model")
    found = {
        name: stage(tmp_path, 300, 60)
        for name, stage in STAGES.items()
        if name not in ("tokenizer written", "bare loop")
    }
    assert found["pool written"]["items"] == 300
    assert found["synthesis: stamped"]["items"] == found["measurement"]["items"] == 60
    assert 0 < found["synthesis: one part of 64 read"]["items"] < 20
    packs = list(read_jsonl(tmp_path / "mixture" / "packs.jsonl", Pack))
    assert found["mixture"]["packs"] == len(packs) >= found["mixture"]["bound"] > 0

"""The script for the day a GPU is there runs, on tiny widths."""

import json

import pytest

from benchmarks import gpu


def test_it_measures_beside_the_prediction(capsys: pytest.CaptureFixture[str]):
    gpu.main(["--tiny", "cpu_core"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    packed = next(line for line in lines if line["what"] == "packed against alone")
    assert packed["largest difference"] < 0.1
    assert {line["kernel"] for line in lines if "TFLOP/s" in line} >= {"sdpa"}
    updates = [line for line in lines if line["what"] == "update"]
    assert [line["tokens"] for line in updates] == sorted(line["tokens"] for line in updates)
    assert all(line["found"]["tokens/s"] > 0 and line["predicted"]["GiB"] > 0 for line in updates)

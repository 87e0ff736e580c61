"""What is in a store today is found again tomorrow: ids and defaults never change unless a version does."""

import json
from pathlib import Path

from tests.golden.write import defaults, step_ids


def test_no_step_is_renamed():
    assert _golden("step_ids").items() <= step_ids().items()


def test_no_default_changes():
    assert _golden("defaults").items() <= defaults().items()


def _golden(name: str) -> dict:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())

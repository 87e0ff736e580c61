"""What is in a store today is found again tomorrow: ids and defaults never change unless a version does.

`python -m tests.golden.write` writes the files anew when a change is meant.
"""

import json
from pathlib import Path

import pytest

from tests.golden.write import defaults, proxy_updates, step_ids


def test_no_step_is_renamed():
    assert _golden("step_ids").items() <= step_ids().items()


def test_no_default_changes():
    assert _golden("defaults").items() <= defaults().items()


def test_the_proxy_is_trained_as_before():
    """Loss and gradient of 20 updates. The vector units of other processors round otherwise, by 2e-6 at most."""
    for name, values in proxy_updates().items():
        assert values == pytest.approx(_golden("proxy_updates")[name], rel=1e-4), name


def _golden(name: str) -> dict:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())

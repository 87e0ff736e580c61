import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmprolong.errors import ConfigError
from mmprolong.plugins import identity_of
from mmprolong.settings.knobs import Corpus, Optimizer
from mmprolong.store.fingerprint import canonical, digest, readable_id

NAMES = st.text('aZß日\u0301"\\\n', max_size=9)
"""Drawn from a few letters: all of Unicode takes Hypothesis longer than it waits for on a busy machine."""


def test_equal_settings_have_one_identity():
    assert digest({"a": 1, "b": (1.0, 2)}) == digest({"b": [1, 2.0], "a": 1.0})


def test_different_settings_differ():
    assert digest({"rate": 1e-5}) != digest({"rate": 2e-5})


@given(st.dictionaries(NAMES, st.integers() | NAMES | st.booleans() | st.none(), max_size=9))
def test_order_of_keys_is_no_identity(values: dict):
    assert canonical(values) == canonical(dict(reversed(values.items())))


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1: 2}, {"x": {3}}])
def test_what_has_no_stable_identity_is_refused(value: object):
    with pytest.raises(ConfigError, match="no stable identity"):
        canonical({"field": value})


def test_ids_are_readable_and_safe_as_file_names():
    name = readable_id("Long PT / s0", 1)
    assert name.startswith("long-pt-s0-")
    assert "/" not in name


def test_execution_fields_are_no_identity():
    assert identity_of(Corpus(path="a", digest="d")) == identity_of(Corpus(path="b", digest="d"))
    assert identity_of(Corpus(digest="d"))["digest"] == "d"


def test_a_new_field_at_its_default_renames_nothing():
    @dataclass
    class Later(Optimizer):
        fresh: float = 3.0

    assert identity_of(Later(peak_lr=1.0)) == identity_of(Optimizer(peak_lr=1.0))

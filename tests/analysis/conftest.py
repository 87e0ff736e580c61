from pathlib import Path

import pytest

from tests.stores import Truth, write_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished length_dist sweep in which one run has no result."""
    return write_store(tmp_path_factory.mktemp("sweep"), Truth(missing=frozenset({("uniform", 2)})))

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores import Truth, write_store
from tests.wandb_server import KEY, WandbServer, serving


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished length_dist sweep in which one run has no result."""
    return write_store(tmp_path_factory.mktemp("sweep"), Truth(missing=frozenset({("uniform", 2)})))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """A W&B on loopback, for which the environment has the key."""
    with serving() as held:
        monkeypatch.setenv("WANDB_BASE_URL", held.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        monkeypatch.setenv("WANDB_SILENT", "true")
        monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
        yield held

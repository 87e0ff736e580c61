"""One cluster and one finished sweep for all tests on Slurm."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, booted
from tests.slurm.site import SWEEP, Site, undone
from tests.small import command, small_pool


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with booted(tmp_path_factory.mktemp("slurm") / "site") as running:
        yield running


@pytest.fixture(scope="session")
def here(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The sweep, finished on this machine."""
    folder = tmp_path_factory.mktemp("here")
    site = Site(cluster, small_pool(folder / "pool"), folder / "store")
    site.run(command(site.root, site.pool, *SWEEP))
    return site


@pytest.fixture
def without(here: Site, tmp_path: Path) -> Callable[..., Site]:
    """See `undone`."""
    return lambda stage, *labels: undone(here, tmp_path / "store", *((stage, label) for label in labels))

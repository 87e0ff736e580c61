"""One cluster for all tests on Slurm."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.echo import write_package
from tests.slurm.cluster import Cluster, booted
from tests.slurm.site import Site


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with booted(tmp_path_factory.mktemp("slurm") / "site") as running:
        yield running


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("package"))


@pytest.fixture
def site(cluster: Cluster, package: Path, tmp_path: Path) -> Iterator[Site]:
    site = Site(cluster, package, tmp_path / "store")
    yield site
    site.drain()

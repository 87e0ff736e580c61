from pathlib import Path

import pytest

from mmprolong import plugins
from mmprolong.models.backbone import Backbone
from mmprolong.models.network import Network
from tests.models import tiny

FAMILIES = plugins.names_in("mmprolong.models.backbones")


@pytest.fixture(scope="session", params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Backbone, Network]:
    """A tiny model of each family; no test may change it."""
    return tiny.loaded(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def exported(model: tuple[Backbone, Network], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "model"
    model[1].export(folder)
    return folder

import pytest

from mmprolong import plugins
from mmprolong.mixture.export import FORMATS
from tests.mixture.exports import KINDS, Made, Written, mixed, write


@pytest.fixture(scope="session", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return mixed(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session", params=plugins.names_in(FORMATS))
def written(request: pytest.FixtureRequest, made: Made, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write(made, request.param, tmp_path_factory.mktemp("export") / "out")

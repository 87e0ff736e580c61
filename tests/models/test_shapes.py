"""Sizes read from a config.json are those of the network that transformers builds from it."""

import pytest

from mmprolong.errors import ConfigError
from mmprolong.models.backbone import Backbone
from mmprolong.models.network import Network
from mmprolong.models.shapes import shape_at, shape_of
from mmprolong.settings.knobs import Model


def test_parameters_are_those_of_the_network(model: tuple[Backbone, Network], request: pytest.FixtureRequest):
    backbone, network = model
    family = request.node.callspec.params["model"]
    found = shape_of(Model(backbone=family, path=getattr(backbone, "path", ""))).parameters
    held = {part: sum(each.numel() for each in weights) for part, weights in network.parts().items()}
    found["language"] += found.pop("embeddings")
    assert held == found


@pytest.mark.parametrize(
    ("backbone", "path", "total"),
    [
        ("qwen2_5_vl", "Qwen/Qwen2.5-VL-7B-Instruct", 8_292_166_656),
        ("qwen3_vl", "Qwen/Qwen3-VL-8B-Instruct", 8_767_123_696),
    ],
)
def test_published_models_are_known_without_their_files(backbone: str, path: str, total: int):
    shape = shape_of(Model(backbone=backbone, path=path))
    assert (shape.total, shape.source) == (total, "published sizes; no config.json here")


def test_frozen_parts_are_not_trained():
    shape = shape_at("Qwen/Qwen2.5-VL-7B-Instruct")
    assert shape.trained(("vision", "projector", "language")) == 0
    assert shape.trained(("vision",)) == shape.total - shape.parameters["vision"]


def test_an_unknown_model_is_told_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"model.path: 'Qwen/none' has no config.json here; .*Qwen2.5-VL-7B-Instruct"):
        shape_at("Qwen/none")
    with pytest.raises(ConfigError, match=r"model.backbone: 'qwen2_5_vl'; .* is of a 'qwen3_vl'"):
        shape_of(Model(backbone="qwen2_5_vl", path="Qwen/Qwen3-VL-8B-Instruct"))

"""Weights are evaluated as they were trained, unless an ablation declares the difference."""

from pathlib import Path
from typing import Any

import pytest

from mmprolong.errors import ConfigError
from mmprolong.evaluation.checkpoint_match import require_match
from mmprolong.evaluation.engines import Subject
from mmprolong.models import weights
from mmprolong.models.backbone import find
from mmprolong.plugins import identity_of
from mmprolong.settings.knobs import Model, Rope, View
from mmprolong.settings.stages import ReplySettings

VIEW = View(thumbnail=56)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proxy with a rotary base of four times its own, as a training step leaves it."""
    folder = tmp_path_factory.mktemp("step")
    network = find("proxy").load(Model())
    network.set_rope(Rope(factor=4.0))
    weights.save(network, weights.describe(network, "proxy", 1, 10, identity_of(VIEW)), folder)
    return folder


def settings(path: Path | str = "", **changes: Any) -> ReplySettings:
    return ReplySettings(**{"model": Model(path=str(path)), "view": VIEW, **changes})


def test_equal_views_pass_by_step_and_by_folder(checkpoint: Path):
    require_match(settings(), checkpoint)
    require_match(settings(checkpoint / "model"), None)
    require_match(settings(), None)


@pytest.mark.parametrize(
    ("view", "kind", "says"),
    [
        (View(thumbnail=84), "view", "view.thumbnail: 84, the weights were trained with 56"),
        (View(thumbnail=56, dpi=96), "view", "view.dpi: 96, the weights were trained with 144"),
        (
            View(thumbnail=56, page_index=True),
            "page_index",
            "view.page_index: True, the weights were trained with False",
        ),
    ],
)
def test_another_view_is_refused_unless_it_is_declared(checkpoint: Path, view: View, kind: str, says: str):
    for asked, step in ((settings(view=view), checkpoint), (settings(checkpoint / "model", view=view), None)):
        with pytest.raises(ConfigError, match=says):
            require_match(asked, step)
    require_match(settings(view=view, differs=[kind]), checkpoint)


def test_other_rotary_positions_are_refused_unless_they_are_declared(checkpoint: Path):
    for model, step in ((Model(), checkpoint), (Model(path=str(checkpoint / "model")), None)):
        Subject(model, step).network()
        Subject(model, step, rope=Rope(factor=4.0)).network()
        with pytest.raises(ConfigError, match=r"suite.rope: rotary frequencies .* trained with .* \(base 40000\)"):
            Subject(model, step, rope=Rope(factor=8.0)).network()
        assert Subject(model, step, rope=Rope(factor=8.0), differs=["rope"]).network().rope_base == 8e4


def test_a_config_json_with_another_base_than_its_note_is_refused_before_it_is_loaded(checkpoint: Path, tmp_path: Path):
    (tmp_path / "model").mkdir()
    (tmp_path / weights.NOTE).write_text((checkpoint / weights.NOTE).read_text().replace("40000.0", "10000.0"))
    (tmp_path / "model/config.json").write_text((checkpoint / "model/config.json").read_text())
    with pytest.raises(ConfigError, match=r"its config.json states the base 40000, it was trained with 10000"):
        require_match(settings(tmp_path / "model"), None)

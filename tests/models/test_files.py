import json
from pathlib import Path

import pytest

from mmprolong.conversations import Message, Text
from mmprolong.errors import ConfigError, InvalidSettings
from mmprolong.models import files
from mmprolong.models.backbone import find
from mmprolong.settings.knobs import Model, Rope
from tests.models.tiny import write_model

ASKED = (Message("user", (Text("Read it."),)),)


def test_an_unknown_backbone_names_the_nearest():
    with pytest.raises(InvalidSettings, match=r"model\.backbone: 'qwen3vl' is unknown; did you mean 'qwen3_vl'"):
        find("qwen3vl")


def test_a_model_without_its_files_says_what_it_needs_and_where_they_were_looked_for(tmp_path: Path):
    for path in (str(tmp_path), str(tmp_path / "none"), "./none/at/all", "Qwen/No-Such-Model"):
        with pytest.raises(
            ConfigError, match=r"config\.json, tokenizer\.json, preprocessor_config\.json and \*\.safe"
        ) as told:
            list(find("qwen3_vl", path).pieces(ASKED))
        assert path in str(told.value)
        assert "/hub has its tokenizer.json" in str(told.value)


def test_a_family_of_published_weights_needs_a_path():
    with pytest.raises(ConfigError, match=r"model\.path: ''; a model needs config\.json"):
        find("qwen2_5_vl").load(Model())


def test_weights_of_another_family_are_refused(tmp_path: Path):
    path = write_model("qwen3_vl", tmp_path)
    with pytest.raises(ConfigError, match="is of a 'qwen3_vl'; the backbone takes 'qwen2_5_vl'"):
        find("qwen2_5_vl", path).load(Model(path=path))


def test_a_damaged_file_of_weights_is_one_line(tmp_path: Path):
    path = write_model("qwen2_5_vl", tmp_path)
    weights = next(tmp_path.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ConfigError, match="a file of its weights is damaged, fetch it again"):
        find("qwen2_5_vl", path).load(Model(path=path))


def test_rotary_positions_are_read_as_transformers_4_wrote_them_and_not_from_two_places(tmp_path: Path):
    path = write_model("qwen2_5_vl", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    text = config.pop("text_config")
    stated = text.pop("rope_parameters")
    older = {"rope_theta": 4e6, "rope_scaling": {"type": "mrope", "mrope_section": stated["mrope_section"]}}
    for written in ({**config, "text_config": {**text, **older}}, {**text, **config, **older}):
        (tmp_path / "config.json").write_text(json.dumps(written))
        network = find("qwen2_5_vl", path).load(Model(path=path))
        assert network.rope_base == 4e6
        network.set_rope(Rope())  # the frequencies are those of that base
    both = {**config, "text_config": {**text, "rope_parameters": stated, "rope_theta": 4e6}}
    (tmp_path / "config.json").write_text(json.dumps(both))
    with pytest.raises(ConfigError, match=r"rope_theta is 4e\+06, in rope_parameters 1e\+06; give one of them"):
        find("qwen2_5_vl", path).load(Model(path=path))


def test_a_hub_name_is_looked_up_in_the_local_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--Some--Model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    write_model("qwen3_vl", snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert files.find_file("Some/Model", "tokenizer.json") == snapshot / "tokenizer.json"
    assert files.find_file("Some/Model", "vocab.json") is None


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    assert files.find_file("~/model", "config.json") == tmp_path / "model" / "config.json"
    assert files.model_source("~/model") == str(tmp_path / "model")
    assert files.model_source("Some/Model") == "Some/Model"

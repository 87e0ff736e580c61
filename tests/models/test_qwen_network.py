"""What makes the Qwen networks faster than transformers' own changes no number."""

import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import conv3d
from torch.overrides import TorchFunctionMode

from mmprolong.conversations import Conversation, Image, Pages
from mmprolong.errors import ConfigError, DataError
from mmprolong.models.backbone import Backbone, encode, find
from mmprolong.models.network import Batch, Network, collate
from mmprolong.models.qwen_vl.vision import normalised
from mmprolong.models.rope import ntk_base
from mmprolong.settings.knobs import Model, Rope
from tests.models.tiny import SMALL, Drawn, answered, asked, write_model

COLOUR, GREY = Drawn(), Drawn(grey=True)
PROXY = find("proxy")
SIZES = ("pdf:56x56", "pdf:196x280", "pdf:140x84", "pdf:196x280")
"""Some larger than a window of the vision tower, and not a multiple of it."""
CONVERSATIONS: tuple[Conversation, ...] = (
    (asked("find A", *(Image(size, n) for n, size in enumerate(SIZES))), answered("7")),
    (asked("find A", Pages("pdf:56x56", 3, 4)), answered("7")),
    (asked("find B", Pages("pdf:56x56", 5, 6)), answered("8")),
)


def packed(backbone: Backbone, *conversations: Conversation, images: Drawn = COLOUR) -> Batch:
    documents = [encode(backbone, each, images, SMALL) for each in conversations]
    return collate(documents, backbone, images)


def hidden(network: Network, batch: Batch) -> torch.Tensor:
    with torch.no_grad():
        return network.hidden(network.embed(batch))[0]


def test_hidden_states_are_those_of_transformers_own_forward(model: tuple[Backbone, Network]):
    backbone, network = model
    batch = packed(backbone, CONVERSATIONS[0])
    module = network.module.model
    assert isinstance(module, torch.nn.Module)
    kinds = (batch.ids == backbone.image_token).int()
    with torch.no_grad():
        out = module(
            input_ids=batch.ids,
            pixel_values=batch.pixels,
            image_grid_thw=batch.grids,
            mm_token_type_ids=kinds,
            use_cache=False,
        )
    assert torch.allclose(hidden(network, batch), out.last_hidden_state[0], atol=1e-4)


def test_positions_are_those_of_transformers(model: tuple[Backbone, Network]):
    backbone, network = model
    batch = packed(backbone, CONVERSATIONS[0])
    kinds = (batch.ids == backbone.image_token).int()
    expected, _ = network.module.model.get_rope_index(batch.ids, mm_token_type_ids=kinds, image_grid_thw=batch.grids)
    assert torch.equal(batch.positions[1:], expected)
    assert batch.positions[0, 0].tolist() == list(range(batch.ids.shape[1]))


@pytest.mark.parametrize("part", ["language_model", "visual"])
def test_our_attention_equals_transformers_own(model: tuple[Backbone, Network], part: str):
    backbone, network = model
    batch = packed(backbone, *CONVERSATIONS)
    ours = hidden(network, batch)
    config = getattr(network.module.model, part).config
    name = config._attn_implementation
    try:
        config._attn_implementation = "sdpa"
        assert torch.allclose(hidden(network, batch), ours, atol=1e-4)
    finally:
        config._attn_implementation = name


def test_activations_that_are_computed_again_change_no_gradient(tmp_path: Path):
    for kind in ("proxy", "qwen3_vl"):
        folder = tmp_path / kind
        folder.mkdir()
        backbone = find(kind, write_model(kind, folder))
        batch = packed(backbone, *CONVERSATIONS)
        found = []
        for again in (False, True):
            network = backbone.load(Model(path=str(folder) if kind != "proxy" else ""))
            if again:
                network.module.activation_checkpointing_enable()
                assert network.module.is_activation_checkpointing
            network.module.train()
            network.hidden(network.embed(batch)).square().mean().backward()
            found.append({name: parameter.grad for name, parameter in network.module.named_parameters()})
        assert all(torch.allclose(found[0][n], found[1][n], atol=1e-5) for n in found[0] if found[0][n] is not None)


def test_grey_pages_are_read_as_three_equal_colours(model: tuple[Backbone, Network]):
    backbone, network = model
    grey = GREY.pixels(Image("pdf:64x64"))
    grids = np.array([[1, *backbone.grid(*((56, 56) if backbone == PROXY else (64, 64)), SMALL)]])
    grey = grey[:56, :56] if backbone == PROXY else grey
    colour = np.stack([grey] * 3, -1)
    mixed = backbone.patches([grey, colour], np.repeat(grids, 2, 0))
    assert np.array_equal(mixed, backbone.patches([colour, colour], np.repeat(grids, 2, 0)))
    embed = network.module.model.visual.patch_embed
    rows = [torch.from_numpy(backbone.patches([page], grids)) for page in (grey, colour)]
    assert rows[0].shape[1] * 3 == rows[1].shape[1]
    found = [embed(each) for each in rows]
    assert torch.allclose(*found, atol=1e-5)
    gradients = [torch.autograd.grad(each.square().sum(), embed.proj.weight)[0] for each in found]
    assert torch.allclose(*gradients, rtol=1e-3, atol=1e-2)


def test_the_patch_embedding_is_the_convolution_of_two_equal_frames(model: tuple[Backbone, Network]):
    batch = packed(model[0], CONVERSATIONS[1])
    embed = model[1].module.model.visual.patch_embed
    assert batch.pixels is not None
    assert batch.pixels.dtype == torch.uint8
    weight = embed.proj.weight
    frames = normalised(batch.pixels, embed.proj.form).unflatten(2, weight.shape[3:])
    expected = conv3d(frames[:, :, None].expand(-1, -1, 2, -1, -1), weight, embed.proj.bias).flatten(1)
    assert torch.allclose(embed(batch.pixels), expected, atol=1e-5)


def test_every_weight_is_read_by_the_module_that_owns_it(model: tuple[Backbone, Network]):
    """ZeRO-3 has a weight in memory only while its own module runs."""
    network, running, read = model[1], set(), []
    owners: dict[int, set[torch.nn.Module]] = defaultdict(set)
    for module in network.module.modules():
        for weight in module.parameters(recurse=False):
            owners[id(weight)].add(module)

    class Reading(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            asks = func.__name__ == "__get__"  # dtype and device are known without the weight
            given = [] if asks else [each for each in (*args, *(kwargs or {}).values()) if id(each) in owners]
            read.extend(func for each in given if not owners[id(each)] & running)
            return func(*args, **(kwargs or {}))

    hooks = []
    for module in set().union(*owners.values()):
        hooks.append(module.register_forward_pre_hook(lambda module, _: running.add(module)))
        hooks.append(module.register_forward_hook(lambda module, *_: running.remove(module)))
    try:
        with Reading():
            batch = packed(model[0], CONVERSATIONS[0])
            network.logits(network.hidden(network.embed(batch)))
    finally:
        for hook in hooks:
            hook.remove()
    assert read == []


@pytest.mark.parametrize(("scale", "base"), [(2, 2.022e6), (4, 4.089e6), (8, 8.268e6)])
def test_the_ntk_base_of_the_published_model_is_that_of_its_formula(scale: int, base: float):
    assert ntk_base(1e6, scale, head=128) == pytest.approx(base, rel=1e-3)


@pytest.mark.parametrize(
    ("rope", "fastest", "slowest", "scaling"),
    [
        (Rope(factor=4), 1.0, 4e4 ** (-15 / 16), 1.0),
        (Rope(kind="ntk", factor=4), 1.0, 1e4 ** (-15 / 16) / 4, 1.0),  # the slowest is stretched by the factor
        (Rope(kind="yarn", factor=4), 1.0, 1e4 ** (-15 / 16) / 4, 0.1 * math.log(4) + 1),
    ],
)
def test_frequencies_are_those_of_their_formula(rope: Rope, fastest: float, slowest: float, scaling: float):
    network = PROXY.load(Model(native_context=4096))
    network.set_rope(rope)
    rotary = network.module.model.language_model.rotary_emb
    assert rotary.inv_freq[0] == pytest.approx(fastest)
    assert rotary.inv_freq[-1] == pytest.approx(slowest, rel=1e-5)
    assert rotary.attention_scaling == pytest.approx(scaling)


def test_yarn_starts_from_the_native_context():
    network = PROXY.load(Model(native_context=64))
    network.set_rope(Rope(kind="yarn", factor=4))
    stated = network.module.config.text_config
    assert stated.rope_parameters["original_max_position_embeddings"] == 64
    assert stated.max_position_embeddings == 256
    other = PROXY.load(Model(native_context=4096))
    assert other.set_rope(Rope(kind="yarn", factor=4)) != network.set_rope(Rope())
    network.set_rope(Rope(factor=1))
    assert stated.rope_parameters == PROXY.load(Model()).module.config.text_config.rope_parameters
    assert stated.max_position_embeddings == 32_768


def test_positions_that_were_only_written_down_are_refused():
    network = PROXY.load(Model())
    stated = network.module.config.text_config.rope_parameters
    stated["rope_theta"] = 4e4
    with pytest.raises(DataError, match="the base was not applied"):
        network.set_rope(Rope())
    network.set_rope(Rope(kind="yarn", factor=4))
    network.module.model.language_model.rotary_emb.attention_scaling = 1.0
    with pytest.raises(DataError, match=r"attention scaling is 1\.0, configured 1\.13\d+; not applied"):
        network.set_rope(Rope())


@pytest.mark.parametrize("kind", ["dynamic", "linear"])
def test_another_kind_of_positions_is_refused(kind: str):
    network = PROXY.load(Model())
    network.module.config.text_config.rope_parameters["rope_type"] = kind
    with pytest.raises(DataError, match=f"rope_type is '{kind}'.*; allowed: 'default', 'yarn'"):
        network.set_rope(Rope())


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path):
    path = write_model("qwen3_vl", tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"image_token_id": ', '"image_token_id": 1'))
    with pytest.raises(ConfigError, match=r"image_token_id 1\d+, its tokenizer.json"):
        find("qwen3_vl", path).load(Model(path=path))


def test_weights_are_drawn_from_the_seed_in_the_precision_that_is_asked_for():
    first, again, other = (PROXY.load(Model(seed=seed)).module.state_dict() for seed in (3, 3, 4))
    name = "model.language_model.layers.0.self_attn.q_proj.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])
    half = PROXY.load(Model(seed=3, dtype="bfloat16"))
    assert torch.equal(half.module.state_dict()[name], first[name].bfloat16())
    assert half.set_rope(Rope()) == PROXY.load(Model()).set_rope(Rope())

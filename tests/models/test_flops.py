"""Operations and kept tensors are those that torch counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop, sdpa_flop

from mmprolong.conversations import Image, Message
from mmprolong.models.backbone import Backbone, encode
from mmprolong.models.flops import Flops, forward, model_flops, packed_model_flops, page_grids, trained
from mmprolong.models.network import Network, collate
from mmprolong.models.shapes import Shape, shape_at
from mmprolong.records import Pack
from mmprolong.training.footprint import saved_of_block, saved_of_layer
from mmprolong.training.objectives.next_token import NextToken
from tests.models.tiny import SMALL, Drawn, answered, asked, loaded

PACK: list[list[Message]] = [
    [asked("What is this?", Image("pdf:168x224"), Image("pdf:280x112")), answered("Four words are enough.")],
    [asked("And what", Image("pdf:84x84")), answered("Nothing")],
    [asked("No image at all?"), answered("Yes")],
]
ON_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen3_vl"])
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Backbone, Network, Shape]:
    folder = tmp_path_factory.mktemp(request.param)
    backbone, network = loaded(request.param, folder)
    network.module.train()
    return backbone, network, shape_at(str(folder))


def counter() -> FlopCounterMode:
    """Counts attention on a CPU as torch counts it on a GPU, where no pair of tokens is left out."""
    counts: dict[Any, Any] = {
        ON_CPU: lambda q, k, v, *_, **__: sdpa_flop(q, k, v),
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: lambda g, q, k, v, *_, **__: (
            sdpa_backward_flop(g, q, k, v)
        ),
    }
    return FlopCounterMode(display=False, custom_mapping=counts)


def counted(counts: FlopCounterMode) -> tuple[float, float]:
    """Operations of products, and of attention."""
    total = counts.get_flop_counts()["Global"]
    attention = sum(count for operator, count in total.items() if "scaled_dot_product" in str(operator))
    return sum(total.values()) - attention, attention


def test_products_and_attention_are_those_that_torch_counts(tiny: tuple[Backbone, Network, Shape]):
    backbone, network, shape = tiny
    documents = [encode(backbone, each, Drawn(), SMALL) for each in PACK]
    once = Flops()
    for each in documents:
        once += forward(shape, len(each), int(each.supervised.sum()), [(h, w) for _, h, w in each.grids.tolist()])
    # torch counts the pairs that a causal mask leaves out; ours are exact
    full = sum(4 * shape.text.query * shape.text.layers * len(each) ** 2 for each in documents) - once.attention
    with counter() as counts:
        loss, _ = NextToken().loss(network, collate(documents, backbone, Drawn()))
        assert counted(counts) == (once.total - once.kernels, once.kernels + full)
        loss.backward()
    network.module.zero_grad()
    done = trained(once)
    assert counted(counts) == (done.total - done.kernels, done.kernels + 3.5 * full)


def test_recomputing_adds_at_most_a_forward_pass(tiny: tuple[Backbone, Network, Shape]):
    backbone, network, shape = tiny
    document = encode(backbone, PACK[0], Drawn(), SMALL)
    grids = [(h, w) for _, h, w in document.grids.tolist()]
    once = forward(shape, len(document), int(document.supervised.sum()), grids)
    network.module.activation_checkpointing_enable()
    with counter() as counts:
        NextToken().loss(network, collate([document], backbone, Drawn()))[0].backward()
    network.module.activation_checkpointing_disable()
    network.module.zero_grad()
    kept, recomputed = trained(once), trained(once, recompute=True)
    found, _ = counted(counts)  # torch stops before the last product of each layer, which nothing needs again
    assert kept.total - kept.kernels < found < recomputed.total - recomputed.kernels


@pytest.mark.parametrize(
    ("frozen", "times"),
    [
        ((), {"vision": 3, "projector": 3, "language": 3, "attention": 3.5, "head": 3}),
        (("vision",), {"vision": 1, "projector": 3, "language": 3, "attention": 3.5}),
        (("language",), {"vision": 3, "projector": 3, "language": 2, "attention": 3.5, "head": 2}),
        (("vision", "projector"), {"vision": 1, "projector": 1, "language": 3}),
        (("vision", "projector", "language"), {"vision": 1, "projector": 1, "language": 1, "attention": 1}),
    ],
)
def test_gradients_stop_below_the_last_part_that_is_trained(frozen: tuple[str, ...], times: dict[str, float]):
    done = trained(Flops(vision=1, projector=1, language=1, attention=1, head=1), frozen)
    assert {name: getattr(done, name) for name in times} == times


def test_the_cost_of_counts_is_that_of_the_grids():
    shape = shape_at("Qwen/Qwen2.5-VL-7B-Instruct")
    exact = model_flops(forward(shape, 52 * 2520 + 30, 30, [(120, 84)] * 52))
    assert page_grids(shape, 52 * 2520, 52)[0] == (120, 84)
    pack = Pack(id=0, examples=("a", "b"), lengths=(52 * 2520 + 30,) * 2, supervised=(30, 30))
    assert packed_model_flops(shape, pack, {"a": 52, "b": 52}) == pytest.approx(2 * exact)


def test_what_layers_keep_of_a_token_is_what_autograd_saves(tiny: tuple[Backbone, Network, Shape]):
    """In bfloat16; rotations and sums of rows, a few bytes, are left out."""
    _, network, shape = tiny
    module = network.module.to(torch.bfloat16)
    width, count, text = shape.text.hidden, 64, shape.text
    inputs = torch.randn(1, count, width, dtype=torch.bfloat16, requires_grad=True)
    angles = (torch.randn(1, count, text.head_dim, dtype=torch.bfloat16),) * 2
    places = torch.arange(count)[None]
    with saved(module) as found:
        module.model.language_model.layers[0](
            inputs, position_ids=places, position_embeddings=angles, attention_mask=None
        )
    assert sum(found.values()) / count == pytest.approx(saved_of_layer(shape), rel=0.12)
    vision = shape.vision
    assert vision is not None
    patches = torch.randn(count, vision.hidden, dtype=torch.bfloat16, requires_grad=True)
    angles = (torch.randn(count, vision.hidden // vision.heads),) * 2
    bounds = torch.tensor([0, count], dtype=torch.int32)
    with saved(module) as found:
        module.model.visual.blocks[0](patches, cu_seqlens=bounds, position_embeddings=angles)
    assert sum(found.values()) / count == pytest.approx(saved_of_block(shape), rel=0.12)
    module.to(torch.float32)


@contextmanager
def saved(module: torch.nn.Module) -> Iterator[dict[int, int]]:
    """Collect the bytes of each storage that autograd keeps, weights left out."""
    weights = {each.untyped_storage().data_ptr() for each in module.parameters()}
    found: dict[int, int] = {}
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)  # so that no storage is used twice
        if (storage := tensor.untyped_storage()).data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield found

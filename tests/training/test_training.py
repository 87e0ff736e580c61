import math
from pathlib import Path

import pytest
import torch

from mmprolong.errors import DataError
from mmprolong.models.backbone import encode
from mmprolong.models.network import Network, collate
from mmprolong.settings.knobs import Model, Optimizer, View
from mmprolong.training.objectives.next_token import NextToken, summed_loss
from mmprolong.training.schedule import learning_rate
from mmprolong.training.trained_on import length_range
from tests.models.tiny import answered, asked
from tests.training.material import (
    IMAGES,
    MATERIAL,
    PROXY,
    UPDATES,
    engine,
    lines_of,
    loop,
    network_of,
    weights_of,
)

TEXT = encode(PROXY, (asked("count A :"), answered("1 2")), IMAGES, View())


def test_the_loss_is_that_of_transformers_over_the_supervised_tokens():
    network = PROXY.load(Model())
    batch = next(MATERIAL.batches(0))
    logits = network.logits(network.hidden(network.embed(batch)))[0, :-1]
    labels = torch.full_like(batch.ids[0], -100).index_put((batch.places,), batch.labels)[:-1]
    expected = torch.nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum")
    loss, more = NextToken().loss(network, batch)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert more == {}


def test_an_update_of_two_packs_is_one_mean_over_their_tokens(tmp_path: Path):
    one = loop(tmp_path)
    batches = list(MATERIAL.batches(0))
    assert len(batches) == 2
    supervised = sum(len(batch.labels) for batch in batches)
    assert NextToken().weight(MATERIAL.conversations(0)) == supervised
    expected = sum(NextToken().loss(network_of(one), batch)[0].item() for batch in batches) / supervised
    assert one.update(0)["loss"] == pytest.approx(expected, rel=1e-5)


def test_training_learns(tmp_path: Path):
    loop(tmp_path).run(checkpoint_seconds=1e9)
    losses = [line["loss"] for line in lines_of(tmp_path)]
    assert len(losses) == UPDATES
    assert losses[-1] < losses[0] - 0.5


def test_every_update_says_what_was_trained_on_and_what_it_took(tmp_path: Path):
    loop(tmp_path).run(checkpoint_seconds=1e9)
    everything = [each for update in range(UPDATES) for each in MATERIAL.conversations(update)]
    last = lines_of(tmp_path)[-1]
    for task in ("ocr_full", "extract_single"):
        tokens = sum(each.tokens for each in everything if each.task == task)
        assert last[f"seen/task/{task}"] == pytest.approx(tokens / MATERIAL.tokens)
    short = sum(each.tokens for each in everything if 16 <= each.tokens < 32)
    assert last["seen/length/0.25-0.5x"] == pytest.approx(short / MATERIAL.tokens)
    for kind in ("task", "length"):
        assert sum(share for name, share in last.items() if name.startswith(f"seen/{kind}/")) == pytest.approx(1)
    assert 0.05 < last["memory_gb"] < 100
    assert last["tokens_per_second"] > 0


@pytest.mark.parametrize(
    ("tokens", "told"), [(7, "0.0625-0.125x"), (63, "0.5-1x"), (64, "1-2x"), (127, "1-2x"), (128, "2-4x")]
)
def test_a_length_is_told_in_doublings_of_the_native_context(tokens: int, told: str):
    assert length_range(tokens, 64) == told


class Pull:
    """An objective whose gradient is one for every weight."""

    reads = ("answer",)

    def weight(self, conversations) -> float:
        return 1.0

    def loss(self, network: Network, batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        total = torch.stack([each.float().sum() for each in network.module.parameters()]).sum()
        return total, {"pulled": torch.tensor(3.0)}


def test_small_steps_add_up_in_weights_of_half_precision():
    """Adam moves a weight by the rate; one step of 1e-4 is nothing beside a bfloat16 weight of 1."""
    one = engine(Optimizer(weight_decay=0.0, max_grad_norm=1e9), "bfloat16")
    norm = one.network.module.model.language_model.norm.weight
    batch = next(MATERIAL.batches(0))
    for _ in range(200):
        assert one.backward(Pull(), batch, 1.0, True)["pulled"] == 3.0
        one.step(1e-4, math.inf)
    assert norm.dtype == torch.bfloat16
    assert torch.allclose(norm.float(), torch.full_like(norm.float(), 0.98), atol=4e-3)


def test_gradients_of_packs_add_up_in_float32():
    one = engine(Optimizer(max_grad_norm=1e9), "bfloat16")
    batch = next(MATERIAL.batches(0))
    for _ in range(300):  # a sum of ones in bfloat16 ends at 256
        one.backward(Pull(), batch, 1.0, True)
    size = sum(each.numel() for each in one.network.module.parameters())
    assert one.step(0.0, math.inf) == pytest.approx(300 * math.sqrt(size), rel=1e-3)


def test_weights_of_full_precision_are_not_copied():
    one = engine()
    assert all(one.masters.weights[name] is each for name, each in one.network.module.named_parameters())


def test_many_supervised_tokens_give_the_same_loss_and_gradients_in_pieces():
    """The gradient of the output layer too, however the sum is scaled before backward."""
    network = PROXY.load(Model())
    head = network.module.lm_head.weight
    torch.manual_seed(0)
    ids = torch.randint(192, (11,))
    found = []
    for pieces in (1, 3):
        hidden = torch.linspace(-1, 1, 11 * 128).view(11, 128).requires_grad_()
        loss = summed_loss(network, hidden, ids, pieces)
        found.append((loss.item(), *torch.autograd.grad(loss / 7, [hidden, head])))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert all(torch.allclose(*pair, atol=1e-5) for pair in zip(found[0][1:], found[1][1:], strict=True))


def test_the_rate_rises_then_falls_to_its_end():
    optimizer = Optimizer(peak_lr=2.0, warmup_ratio=0.1, final_lr_ratio=0.1)
    assert learning_rate(optimizer, 50, 1000) == pytest.approx(1.0)
    assert learning_rate(optimizer, 100, 1000) == pytest.approx(2.0)
    assert learning_rate(optimizer, 550, 1000) == pytest.approx(1.1)
    assert learning_rate(optimizer, 1000, 1000) == pytest.approx(0.2)


def test_a_gradient_that_is_not_finite_moves_nothing_and_ends_the_phase(tmp_path: Path):
    one = loop(tmp_path)
    with torch.no_grad():
        next(network_of(one).module.parameters())[0] = math.nan
    before = weights_of(network_of(one))
    with pytest.raises(DataError, match="not finite 3 times in a row"):
        one.run(checkpoint_seconds=1e9)
    after = weights_of(network_of(one))
    assert all(torch.equal(before[name].nan_to_num(), after[name].nan_to_num()) for name in before)
    assert [each["packs"] for each in one.state["skipped"]] == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("part", ["vision", "projector", "language"])
def test_a_frozen_part_is_not_trained(part: str):
    one = engine(Optimizer(frozen=[part]))
    before = weights_of(one.network)
    one.backward(NextToken(), next(MATERIAL.batches(0)), 1.0, True)
    one.step(1e-3, math.inf)
    frozen = {id(each) for each in one.network.parts()[part]}
    for name, parameter in one.network.module.named_parameters():
        assert torch.equal(parameter, before[name]) == (id(parameter) in frozen), name


def test_an_update_without_pages_leaves_what_sees_them_as_it_is():
    """Neither weight decay nor momentum moves it, as in plain torch; and frozen words alone have nothing to learn."""
    pages, text = next(MATERIAL.batches(0)), collate([TEXT], PROXY, IMAGES)
    for frozen in ([], ["language"]):
        one = engine(Optimizer(weight_decay=0.1, frozen=frozen))
        one.backward(NextToken(), pages, 1.0, True)
        one.step(1e-3, math.inf)
        before = weights_of(one.network)
        one.backward(NextToken(), text, 1.0, True)
        assert (one.step(1e-3, math.inf) == 0) == bool(frozen)
        language = {id(each) for each in one.network.parts()["language"] if not frozen}
        for name, parameter in one.network.module.named_parameters():
            assert torch.equal(parameter, before[name]) == (id(parameter) not in language), name


def test_an_exported_model_is_the_one_that_was_trained(tmp_path: Path):
    one = engine()
    one.backward(NextToken(), next(MATERIAL.batches(0)), 1.0, True)
    one.step(1e-3, math.inf)
    one.export(tmp_path)
    again = PROXY.load(Model(), tmp_path)
    expected = weights_of(one.network)
    assert all(torch.equal(each, expected[name]) for name, each in weights_of(again).items())

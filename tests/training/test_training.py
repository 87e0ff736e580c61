import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from mmprolong.training.seen import length_range
from safetensors.torch import load_file

from mmprolong.errors import DataError
from mmprolong.models.backbone import find
from mmprolong.models.qwen_vl.inputs import last_hidden
from mmprolong.records import Instance, read_jsonl
from mmprolong.runtime.run_log import Interrupted, RunLog, never
from mmprolong.settings.knobs import Model, Optimizer
from mmprolong.store.store import CHECKPOINTS
from mmprolong.training import checkpoints
from mmprolong.training.loop import Loop, freeze
from mmprolong.training.masters import Masters
from mmprolong.training.objectives import next_token
from mmprolong.training.schedule import learning_rate
from mmprolong.training.stream import Stream
from tests.training.material import IMAGES, write_material

OPTIMIZER = Optimizer(peak=1e-3, batch=256)
CLOCKS = ("tokens_per_second", "memory_gb")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_material(tmp_path_factory.mktemp("material"))


def stream(folder: Path) -> Stream:
    return Stream(folder, [folder], find("proxy"), IMAGES, batch=256, capacity=128)  # pyright: ignore[reportArgumentType]


def loop(material: Path, folder: Path, stopping: Callable[[], bool] = never) -> Loop:
    torch.set_num_threads(1)
    model = find("proxy").build(Model())
    log = RunLog(folder, stopping=stopping)
    return Loop(model, next_token.loss, stream(material), OPTIMIZER, Model().window, folder, log)


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def test_the_loss_is_that_of_transformers_over_the_supervised_tokens(material: Path):
    model = find("proxy").build(Model()).eval()
    pack = next(stream(material).packs(0))
    hidden = last_hidden(model, pack)
    labels = torch.where(pack.supervised, pack.ids[0], -100)
    logits = model.lm_head(hidden)[:-1]
    expected = torch.nn.functional.cross_entropy(logits, labels[1:], ignore_index=-100, reduction="sum")
    assert next_token.loss(model, pack).item() == pytest.approx(expected.item(), rel=1e-5)


def test_an_update_of_two_packs_is_one_mean_over_their_tokens(material: Path, tmp_path: Path):
    one = loop(material, tmp_path)
    packs = list(one.stream.packs(0))
    assert len(packs) == 2
    supervised = sum(int(pack.supervised.sum()) for pack in packs)
    expected = sum(next_token.loss(one.model, pack).item() for pack in packs) / supervised
    assert one.update(0)["loss"] == pytest.approx(expected, rel=1e-5)


def test_training_learns(material: Path, tmp_path: Path):
    one = loop(material, tmp_path)
    one.run(checkpoint_seconds=1e9)
    losses = [line["loss"] for line in lines_of(tmp_path)]
    assert len(losses) == len(one.stream)
    assert losses[-1] < losses[0] - 0.5


def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(material: Path, tmp_path: Path):
    whole = loop(material, tmp_path / "whole")
    whole.run(checkpoint_seconds=1e9)
    half = loop(material, tmp_path / "half")
    for update in range(3):
        half.update(update)
    checkpoints.save(half.folder, half.masters.weights, half.optimizer, half.state)
    half.update(3)  # lost: it comes after the snapshot
    resumed = loop(material, tmp_path / "half")
    assert resumed.run(checkpoint_seconds=1e9) == whole.state
    expected = weights_of(whole.model)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights_of(resumed.model).items())


def lines_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_every_update_says_what_was_seen_and_what_it_took(material: Path, tmp_path: Path):
    one = loop(material, tmp_path)
    one.run(checkpoint_seconds=1e9)
    instances = list(read_jsonl(material / "instances.jsonl", Instance))
    total = sum(each.tokens for each in instances)
    last = lines_of(tmp_path)[-1]
    for task in ("ocr_full", "extract_single"):
        tokens = sum(each.tokens for each in instances if each.task == task)
        assert last[f"seen/task/{task}"] == pytest.approx(tokens / total)
    short = sum(each.tokens for each in instances if 16 <= each.tokens < 32)
    assert last["seen/length/0.25-0.5x"] == pytest.approx(short / total)
    for kind in ("task", "length"):
        assert sum(share for name, share in last.items() if name.startswith(f"seen/{kind}/")) == pytest.approx(1)
    assert 0.05 < last["memory_gb"] < 100
    assert last["tokens_per_second"] > 0


def test_what_was_seen_before_a_stop_is_counted_after_it(material: Path, tmp_path: Path):
    for name, stops in (("whole", [False]), ("stopped", [True, True, False])):
        for stop in stops:
            one = loop(material, tmp_path / name, stopping=lambda stop=stop: stop)
            with pytest.raises(Interrupted) if stop else nullcontext():
                one.run(checkpoint_seconds=1e9)
    whole, stopped = (
        [{key: value for key, value in line.items() if key not in CLOCKS} for line in lines_of(tmp_path / name)]
        for name in ("whole", "stopped")
    )
    assert whole == stopped


@pytest.mark.parametrize(
    ("tokens", "told"), [(7, "0.0625-0.125x"), (63, "0.5-1x"), (64, "1-2x"), (127, "1-2x"), (128, "2-4x")]
)
def test_a_length_is_told_in_doublings_of_the_window(tokens: int, told: str):
    assert length_range(tokens, 64) == told


def test_a_torn_snapshot_is_passed_over(material: Path, tmp_path: Path):
    one = loop(material, tmp_path)
    one.update(0)
    checkpoints.save(tmp_path, one.masters.weights, one.optimizer, one.state)
    snapshot = next((tmp_path / CHECKPOINTS).iterdir())
    (snapshot / "model.safetensors").write_bytes(b"torn")
    other = loop(material, tmp_path)
    assert checkpoints.restore(tmp_path, other.masters.weights, other.optimizer) is None


def test_kill_9_and_again_ends_in_the_same_weights(material: Path, tmp_path: Path):
    def start(folder: Path, pause: float) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.training.material", str(material), str(folder), str(pause)]
        )

    assert start(tmp_path / "whole", 0.0).wait(timeout=120) == 0
    victim = start(tmp_path / "killed", 0.3)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "killed").glob("checkpoints/[0-9]*[0-9]")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(victim.pid, signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed" / "final.safetensors").exists()
    assert start(tmp_path / "killed", 0.0).wait(timeout=120) == 0
    whole, killed = (load_file(tmp_path / name / "final.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
    updates = [line["update"] for line in lines_of(tmp_path / "killed")]
    assert updates == sorted(set(updates))


def test_small_steps_add_up_in_weights_of_half_precision():
    model = torch.nn.Linear(4, 1, bias=False).to(torch.bfloat16)
    before = model.weight.detach().clone()
    masters = Masters(model)
    optimizer = torch.optim.SGD(masters.weights.values(), lr=1e-5)
    for _ in range(5000):
        model.weight.grad = torch.ones_like(model.weight)
        masters.gather()
        optimizer.step()
        optimizer.zero_grad()
        masters.scatter()
    assert torch.allclose(model.weight.float(), before.float() - 0.05, atol=2e-3)


def test_gradients_of_packs_add_up_in_float32():
    model = torch.nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    masters = Masters(model)
    for _ in range(1000):
        model.weight.grad = torch.ones_like(model.weight)
        masters.gather()
    assert masters.weights["weight"].grad is not None
    assert masters.weights["weight"].grad.item() == 1000


def test_weights_of_full_precision_are_not_copied():
    model = torch.nn.Linear(4, 1)
    assert Masters(model).weights["weight"] is model.weight


def test_many_supervised_tokens_give_the_same_loss_and_gradient_in_pieces(material: Path):
    pack = next(stream(material).packs(0))
    found = []
    for pieces in (4096, 5):
        model = find("proxy").build(Model())
        loss = next_token.loss(model, pack, pieces)
        loss.backward()
        found.append((loss.item(), model.model.language_model.embed_tokens.weight.grad))
    assert int(pack.supervised.sum()) > 5
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-4)


def test_the_rate_rises_then_falls_to_its_end():
    optimizer = Optimizer(peak=2.0, warmup=0.1, final=0.1)
    assert learning_rate(optimizer, 50, 1000) == pytest.approx(1.0)
    assert learning_rate(optimizer, 100, 1000) == pytest.approx(2.0)
    assert learning_rate(optimizer, 550, 1000) == pytest.approx(1.1)
    assert learning_rate(optimizer, 1000, 1000) == pytest.approx(0.2)


def test_a_gradient_that_is_not_finite_moves_nothing_and_ends_the_phase(material: Path, tmp_path: Path):
    one = loop(material, tmp_path)
    with torch.no_grad():
        next(one.model.parameters())[0] = math.nan
    before = weights_of(one.model)
    with pytest.raises(DataError, match="not finite 3 times in a row"):
        one.run(checkpoint_seconds=1e9)
    after = weights_of(one.model)
    assert all(
        torch.equal(
            before[name],
            after[name],
        )
        or before[name].isnan().any()
        for name in before
    )


@pytest.mark.parametrize(
    ("part", "inside"), [("vision", "visual.blocks"), ("merger", "merger"), ("language", "layers")]
)
def test_a_frozen_part_is_not_trained(part: str, inside: str):
    model = find("proxy").build(Model())
    freeze(model, [part])
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert any(inside in name for name in frozen)
    assert any(parameter.requires_grad for parameter in model.parameters())
    if part == "vision":
        assert not any("merger" in name for name in frozen)


def test_an_instance_that_changed_since_it_was_counted_is_refused(material: Path, tmp_path: Path):
    packs = (material / "packs.jsonl").read_text().replace('"lengths":[', '"lengths":[1', 1)
    (tmp_path / "packs.jsonl").write_text(packs)
    wrong = Stream(tmp_path, [material], find("proxy"), IMAGES, batch=128, capacity=128)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DataError, match="counted as"):
        list(wrong.packs(0))

"""What ranks can share, what each of them holds, and how packs are dealt to them."""

import pytest

from mmprolong.errors import InvalidSettings
from mmprolong.models.shapes import shape_at
from mmprolong.settings.execution import Hardware, Job
from mmprolong.training.footprint import GIB, Seen, checkpoint_disk, device_memory, host_memory
from mmprolong.training.parallelism import Parallelism, parallelism_of, sequence_ranks, sequences
from mmprolong.training.timing import deal, pack_flops, pack_seconds, update_time

QWEN25, QWEN3 = shape_at("Qwen/Qwen2.5-VL-7B-Instruct"), shape_at("Qwen/Qwen3-VL-8B-Instruct")
FULL = Seen(131_072, 600, ((120, 84),) * 51)
NODE = Job(gpus=8)
H100 = Hardware(peak=989, products=0.5, attention=0.34, memory=80, bandwidth=3350, link=450, network=50, host=55)


@pytest.mark.parametrize(("gpus", "possible"), [(8, [1, 2, 4]), (64, [1, 2, 4]), (56, [1, 2, 4, 28])])
def test_ranks_of_a_sequence_divide_heads_and_gpus(gpus: int, possible: list[int]):
    assert [each.ranks for each in sequences(QWEN25.text, gpus) if not each.refused] == possible


def test_each_rank_reads_the_keys_of_its_own_heads():
    held = {ranks: sequence_ranks(QWEN25.text, 56, ranks) for ranks in (2, 4, 28)}
    assert [(each.heads, each.kv_heads, each.copies) for each in held.values()] == [*((14, 2, 1), (7, 1, 1), (1, 1, 7))]


def test_what_is_not_possible_says_why():
    assert {each.ranks: each.refused for each in sequences(QWEN25.text, 8) if each.refused} == {
        7: "4 heads of keys and values cannot be dealt to 7; 8 GPUs do not divide by 7",
        8: "28 heads do not divide by 8",
    }
    with pytest.raises(InvalidSettings, match=r"training.engine.sequence: 8; 28 heads .*: choose 1, 2, 4"):
        parallelism_of({"name": "deepspeed", "sequence": 8}, NODE, QWEN25)
    with pytest.raises(InvalidSettings, match=r"training.engine: .*zero"):
        parallelism_of({"name": "deepspeed", "zero": 4}, NODE, QWEN25)


def test_the_engine_of_one_process_has_one_rank():
    assert parallelism_of("single", NODE, QWEN25) == Parallelism()
    assert parallelism_of({"name": "deepspeed", "zero": 3, "sequence": 2}, Job(nodes=8, gpus=8), QWEN25) == Parallelism(
        ranks=64, ranks_per_node=8, sequence=2, zero=3
    )


def test_each_stage_of_zero_splits_more():
    held = [
        device_memory(QWEN25, Parallelism(ranks=8, sequence=4, zero=stage, recompute=True), FULL) for stage in (1, 2, 3)
    ]
    states = [[each["weights"] / GIB, each["gradients"] / GIB, each["optimizer"] / GIB] for each in held]
    bucket, layers = 3.0e9 / GIB, 2 * 152_064 * 3584 * 2 / GIB
    weights, moments = QWEN25.total * 2 / GIB, QWEN25.total * 12 / 8 / GIB
    assert states[0] == pytest.approx([weights, 2 * weights + bucket, moments])
    assert states[1] == pytest.approx([weights, weights / 4 + bucket, moments])
    assert states[2] == pytest.approx([weights / 8 + layers, weights / 4 + bucket, moments])


def test_offloading_moves_states_and_inputs_to_the_node():
    here = Parallelism(zero=2, recompute=True)
    away = Parallelism(zero=2, offload="optimizer", recompute=True, offload_activations=True)
    assert host_memory(QWEN25, here, FULL) == 0
    assert host_memory(QWEN25, away, FULL) > QWEN25.total * 16
    assert device_memory(QWEN25, away, FULL)["optimizer"] == 0
    assert sum(device_memory(QWEN25, away, FULL).values()) < 80 * GIB < sum(device_memory(QWEN25, here, FULL).values())


def test_a_second_rank_halves_activations_of_the_language_model():
    one, two = (
        device_memory(QWEN3, Parallelism(ranks=8, sequence=each, zero=3, recompute=True), FULL) for each in (1, 2)
    )
    part = "kept, language"
    assert two[part] == one[part] / 2
    assert two["kept, vision"] > one["kept, vision"] / 2  # 26 of 51 pages, and features of all


def test_frozen_parts_have_neither_gradients_nor_moments():
    parallel = Parallelism(ranks=8, sequence=4, zero=2, recompute=True)
    frozen, whole = (device_memory(QWEN25, parallel, FULL, parts) for parts in (("vision", "language"), ()))
    assert frozen["optimizer"] / whole["optimizer"] == pytest.approx(QWEN25.parameters["projector"] / QWEN25.total)
    assert frozen["weights"] == whole["weights"]


def test_the_disk_holds_the_kept_checkpoints_one_being_written_and_the_model():
    assert checkpoint_disk(QWEN25, kept=2) == QWEN25.total * (3 * 12 + 2)
    assert checkpoint_disk(QWEN25, kept=5, limit=QWEN25.total * 40) == QWEN25.total * (40 + 2)
    assert checkpoint_disk(QWEN25, kept=5, limit=1) == QWEN25.total * (2 * 12 + 2)


def test_packs_of_one_round_cost_alike():
    costs = [1.0, 8.0, 2.0, 7.0, 3.0]
    assert list(deal(costs, 2)) == [[1, 3], [4, 2], [0]]
    update = update_time(costs, 2)
    assert update.seconds == 8 + 3 + 1
    assert update.idle == pytest.approx(1 - 21 / 24)
    assert update_time([4.0] * 6, 3, step=1.0).idle == 0


def test_two_ranks_take_half_the_time_and_the_exchange():
    once = pack_flops(QWEN25, [FULL])
    one, two = (
        pack_seconds(QWEN25, once, FULL, Parallelism(ranks=8, ranks_per_node=8, sequence=n), H100) for n in (1, 2)
    )
    assert 0.5 < two / one < 0.53
    across = pack_seconds(QWEN25, once, FULL, Parallelism(ranks=8, ranks_per_node=1, sequence=2), H100)
    assert across > two

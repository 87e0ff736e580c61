"""Time and memory that others have published against the pre-flight's predictions for their layouts.

`python -m benchmarks.preflight_published` prints error, prediction and published figure.

Sources:
- MMProLong: arXiv 2605.13831, appendix A: 5B tokens, 64 H20, 2.9K GPU-hours.
- lmms-engine: docs/reference/mfu.md, 2025-10: 32 A800, packs of 61,440 and 81,920; the tower is not counted.
- torchtitan: benchmarks/llama3_h100_202412_torchtitan.md: H100 of 500 W, float8, ring attention, logits of all tokens.
- TRL 1.13: docs/source/long_context_training.md: ring attention of cuDNN, inputs of layers offloaded, few logits.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from mmprolong.config.compose import Composer
from mmprolong.models.flops import Flops, model_flops, page_grids
from mmprolong.models.shapes import Shape, TextSizes, shape_at
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import steps_of
from mmprolong.settings.execution import Hardware
from mmprolong.sweep.estimate import preflight
from mmprolong.training.footprint import GIB, Seen, activations
from mmprolong.training.parallelism import Parallelism
from mmprolong.training.timing import pack_flops, pack_seconds

LLAMA = Shape(
    name="Llama-3.1-8B",
    family="llama",
    text=TextSizes(
        hidden=4096, layers=32, heads=32, kv_heads=8, head_dim=128, ffn=14336, vocabulary=128256, tied=False
    ),
)
QWEN3 = Shape(
    name="Qwen3-8B",
    family="qwen3",
    text=TextSizes(
        hidden=4096,
        layers=36,
        heads=32,
        kv_heads=8,
        head_dim=128,
        ffn=12288,
        vocabulary=151936,
        tied=False,
        qk_norm=True,
    ),
)
QWEN25 = Shape(name="Qwen2.5-7B", family="qwen2", text=shape_at("Qwen/Qwen2.5-VL-7B-Instruct").text)
_ADAM = 16
"""Bytes of a parameter under FSDP with float32 weights: weights, gradients, two moments."""
_FRAGMENTS = 1.05


class Check(NamedTuple):
    """A published figure and ours."""

    what: str
    unit: str
    published: float
    predicted: float

    @property
    def error(self) -> float:
        """Of the prediction, as a share of what was published."""
        return self.predicted / self.published - 1


def checks() -> Iterator[Check]:
    yield _mmprolong()
    yield from _lmms_engine()
    yield from _torchtitan()
    yield from _trl()


def _hardware(name: str) -> Hardware:
    return Composer().compose([f"hardware={name}"]).cluster.hardware


def _mmprolong() -> Check:
    """The whole path: nominal lengths of the pool, packs, the deal to 32 data ranks."""
    full = ["model=qwen2_5_vl_7b", "training=longpt_5b", "synthesis=template", "suite=heldout_documents"]
    config = Composer().compose([*full, "cluster=slurm_h20_64"])
    roles = steps_of(config)
    plan = Plan(
        ablation="published",
        points=(Point(label="", seed=0, config={}, steps={}),),
        steps={step.id: step for step in roles.values()},
    )
    time = preflight(plan, roles["training.longpt"].id, config.cluster).time()
    hours = time.seconds / 3600 * 64 * 5e9 / time.tokens
    return Check("MMProLong, Qwen2.5-VL-7B at 131,072, 64 H20", "GPU-hours for 5 G tokens", 2900, hours)


def _lmms_engine() -> Iterator[Check]:
    """Utilisation by the language model's work alone, the tower's time included; of published ranges the middle."""
    text, seen = [Seen(2048, 700)] * 40, 24
    yield Check("lmms-engine, Qwen2.5-7B at 81,920, 32 A800", "MFU [%]", 52.5, _language_share(QWEN25, text))
    for name in ("Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen3-VL-8B-Instruct"):
        shape = shape_at(name)
        pack = [Seen(2560, 200, tuple(page_grids(shape, 2200, 1)))] * seen
        yield Check(f"lmms-engine, {name} at 61,440, 32 A800", "MFU [%]", 35, _language_share(shape, pack))


def _language_share(shape: Shape, pack: list[Seen]) -> float:
    hardware, parallel = _hardware("a800_80g"), Parallelism(ranks=32, ranks_per_node=8, zero=3, recompute=True)
    once, joined = pack_flops(shape, pack), _one(pack)
    seconds = pack_seconds(shape, once, joined, parallel, hardware)
    counted = model_flops(Flops(language=once.language, attention=once.attention, head=once.head))
    return 100 * counted / seconds / hardware.peak / 1e12


def _torchtitan() -> Iterator[Check]:
    """The GPU's rate from their row without a split sequence and without float8; the others follow from it."""
    slow = 6667 / _rate(LLAMA, 8192, Parallelism(ranks=8, ranks_per_node=8, zero=3), _hardware("h100_80g"))
    h100 = _hardware("h100_80g")
    h100 = replace(h100, products=h100.products * slow, attention=h100.attention * slow)
    published = {1: (32768, 3890, 83.9), 2: (65536, 2540, 84.2), 4: (131072, 1071, 84.0), 8: (262144, 548, 84.5)}
    for ranks, (tokens, rate, memory) in published.items():
        parallel = Parallelism(ranks=8, ranks_per_node=8, sequence=ranks, zero=3, recompute=True)
        what = f"torchtitan, Llama-3.1-8B at {tokens:,}, 8 H100 (500 W), sequence {ranks}"
        yield Check(what, "tokens/s/GPU", rate, _rate(LLAMA, tokens, parallel, h100))
        yield Check(what, "GiB", memory, _memory(LLAMA, tokens, parallel, logits=tokens // ranks))


def _trl() -> Iterator[Check]:
    h100 = replace(_hardware("h100_80g"), attention=0.5)  # cuDNN's attention
    parallel = Parallelism(ranks=8, ranks_per_node=8, sequence=8, zero=3, recompute=True, offload_activations=True)
    what, tokens = "TRL, Qwen3-8B at 1,048,576, 8 H100", 1_048_576
    yield Check(what, "s a step", 380, tokens / 8 / _rate(QWEN3, tokens, parallel, h100))
    yield Check(what, "GiB", 56.2, _memory(QWEN3, tokens, parallel, logits=256))


def _rate(shape: Shape, tokens: int, parallel: Parallelism, hardware: Hardware) -> float:
    """Return tokens/s of each GPU on sequences of one document, all supervised."""
    pack = Seen(tokens, tokens)
    return tokens / parallel.sequence / pack_seconds(shape, pack_flops(shape, [pack]), pack, parallel, hardware)


def _memory(shape: Shape, tokens: int, parallel: Parallelism, logits: int) -> float:
    """Return what the allocator of a GPU holds: states of FSDP, embedding and head gathered with their gradients."""
    held = activations(shape, parallel, Seen(tokens, tokens), logits=logits)
    gathered = 2 * 2 * shape.text.vocabulary * shape.text.hidden
    return (sum(held.values()) + _ADAM * shape.total / parallel.ranks + gathered) * _FRAGMENTS / GIB


def _one(pack: list[Seen]) -> Seen:
    images = tuple(image for each in pack for image in each.images)
    return Seen(sum(each.tokens for each in pack), sum(each.supervised for each in pack), images)


def main() -> None:
    for each in checks():
        print(f"{each.error:+5.0%}  {each.predicted:8,.1f} against {each.published:8,.1f} {each.unit:25} {each.what}")


if __name__ == "__main__":
    main()

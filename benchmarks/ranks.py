"""Tokens a second of two processes against one, on packs of 16K tokens: `python benchmarks/ranks.py [TOKENS]`.

A Qwen2.5-VL of 4 layers and width 256 trains on one thread a process, with pages of noise: one process (engine single),
two replicas, and two processes that share a pack; the last two by DeepSpeed on gloo. The machine must be idle.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from mmprolong import plugins
from mmprolong.conversations import Message, Pages, Text
from mmprolong.models.backbone import encode
from mmprolong.models.backbones.proxy import FORM, IDS, ROPE_BASE, ProxyBackbone
from mmprolong.models.network import Shard, collate
from mmprolong.models.qwen_vl.qwen_network import QwenNetwork, ready
from mmprolong.models.rope import NativeRope
from mmprolong.runtime.work import World
from mmprolong.settings.knobs import Optimizer, View
from mmprolong.training.objectives.next_token import NextToken
from tests.models.tiny import Drawn

LAYOUTS = {
    "one process": (1, "single"),
    "two replicas, ZeRO 2": (2, {"name": "deepspeed", "zero": 2}),
    "two share a pack, ZeRO 2": (2, {"name": "deepspeed", "zero": 2, "sequence": 2}),
    "two share a pack, ZeRO 3": (2, {"name": "deepspeed", "zero": 3, "sequence": 2}),
}
UPDATES = 3
LAUNCH = "-m torch.distributed.run --rdzv-backend c10d --rdzv-endpoint localhost:0 --nproc-per-node"


def network() -> QwenNetwork:
    """A model large enough that matrix products count."""
    text = {
        "vocab_size": 192,
        "hidden_size": 256,
        "intermediate_size": 768,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROPE_BASE, "mrope_section": [8, 12, 12]},
    }
    vision = {"depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 4, "out_hidden_size": 256}
    ids = {f"{name}_token_id": IDS[f"<{name}>"] for name in ("image", "video", "vision_start", "vision_end")}
    torch.manual_seed(0)
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **ids)
    return ready(Qwen2_5_VLForConditionalGeneration(config), ProxyBackbone(), NativeRope(ROPE_BASE, 64, 32_768))


def rate(engine: object, tokens: int) -> float:
    """Tokens a second of the fastest update; every replica has a pack of about so many tokens."""
    world = World(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))
    choice = plugins.make("mmprolong.training.engines", engine, "engine")
    layout = choice.join(world)
    backbone, images, side = ProxyBackbone(), Drawn(grey=True), 8 * FORM.patch * FORM.merge
    turn = (Message("user", (Pages(f"pdf:{side}x{side}", 0, tokens // 4 // 66 - 1), Text("find A"))),)
    turn += (Message("assistant", (Text("7", learned=True),)),)
    documents = [encode(backbone, turn, images, View()) for _ in range(4)]
    shard = Shard(layout.shard.index, layout.shard.count)
    batch = collate(documents, backbone, images, shard)
    trainer = choice.start(network(), Optimizer(), layout)
    weight = float(4 * 2 * layout.replicas)
    found = []
    for _ in range(UPDATES + 1):
        layout.wait()
        begun = time.perf_counter()
        trainer.backward(NextToken(), batch, weight, True)
        trainer.step(1e-4, 1e9)
        layout.wait()
        found.append(layout.replicas * sum(map(len, documents)) / (time.perf_counter() - begun))
    return max(found[1:])


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    if len(sys.argv) > 2:
        found = rate(json.loads(sys.argv[2]), int(sys.argv[1]))
        if os.environ.get("RANK", "0") == "0":
            Path(sys.argv[3]).write_text(str(found))
        return
    tokens = int(sys.argv[1]) if len(sys.argv) > 1 else 16384
    first = 0.0
    for name, (processes, engine) in LAYOUTS.items():
        with tempfile.NamedTemporaryFile("r") as out:
            words = [*(f"{LAUNCH} {processes}".split() if processes > 1 else ()), __file__]
            command = [sys.executable, *words, str(tokens), json.dumps(engine), out.name]
            subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
            found = float(out.read())
        first = first or found
        print(f"{name:28}{found:10,.0f} tokens/s {found / first:6.2f}x {found / first / processes:6.0%}", flush=True)


if __name__ == "__main__":
    main()

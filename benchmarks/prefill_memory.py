"""Peak memory of a long prefill with a vocabulary of 152,064 words and of 1,000: `python benchmarks/prefill_memory.py`.

Only the last position's logits are computed. A tiny Qwen2.5-VL, each vocabulary in a process of its own; what torch and
the weights take is counted before the prefill and left out, so that the ratio is that of the prefill alone.
"""

import re
import subprocess
import sys
from pathlib import Path

TOKENS = 65_536
VOCABULARIES = (1_000, 152_064)


def measure(vocabulary: int, tokens: int) -> None:
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    from mmprolong.evaluation.decoding import next_logits
    from mmprolong.models.backbones.proxy import IDS, Proxy
    from mmprolong.models.network import Batch
    from mmprolong.models.qwen_vl.qwen_network import ready
    from mmprolong.models.rope import NativeRope

    torch.set_num_threads(2)
    text = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 6, 6]},
        "bos_token_id": None,
        "eos_token_id": None,
    }
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64}
    marks = {"image_token_id": IDS["<image>"], "video_token_id": IDS["<video>"]}
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **marks)
    module = Qwen2_5_VLForConditionalGeneration(config).eval()
    network = ready(module, Proxy().at(""), NativeRope(1e6, 32_768, 128_000))
    ids = torch.randint(len(IDS), vocabulary, (1, tokens))
    batch = Batch(ids, torch.arange(tokens).expand(4, 1, tokens))
    before = _resident("VmRSS")
    logits = next_logits(network, network.new_cache(), batch)
    assert logits.shape == (1, vocabulary)
    print(before, _resident("VmHWM"))


def _resident(name: str) -> int:
    """MiB."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def main(tokens: int) -> None:
    taken = {}
    for vocabulary in VOCABULARIES:
        words = [sys.executable, __file__, str(vocabulary), str(tokens)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        before, peak = map(int, done.stdout.split())
        taken[vocabulary] = peak - before
        print(f"{vocabulary:,} words: {before:,} MiB before the prefill of {tokens:,} tokens, {peak:,} MiB at its peak")
    (small, large), logits = taken.values(), tokens * VOCABULARIES[-1] * 4 / 2**30
    print(f"the prefill takes {large / small:.3f} times as much; all logits would be {logits:.0f} GiB")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(*map(int, sys.argv[1:]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) == 2 else TOKENS)

"""Peak memory and time of one update's loss at the true vocabulary: `python benchmarks/loss_memory.py [TOKENS]`.

A language model of two layers and Qwen2.5's 151,936 words reads one pack on the processor; a share of its tokens is
supervised. Stock: transformers' own loss over all tokens. Ours: logits at supervised tokens, in pieces. Each runs in a
process of its own, whose peak counts above what it has before the update.
"""

import json
import resource
import subprocess
import sys
import time

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from mmprolong.training.objectives.next_token import summed_loss

VOCABULARY = 151_936
SHARES = (0.005, 0.1)


class Head:
    """Part of a network that the loss uses."""

    def __init__(self, model: Qwen2ForCausalLM) -> None:
        self.logits = model.lm_head


def update(how: str, tokens: int, share: float) -> dict[str, float]:
    """Peak [MB] above the start and processor time [s] of forward and backward."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=VOCABULARY, num_key_value_heads=2, **sizes)).to(torch.bfloat16)
    ids = torch.randint(VOCABULARY, (1, tokens))
    supervised = torch.rand(tokens) < share
    supervised[0] = False
    before, begun = peak(), time.process_time()
    if how == "stock":
        model(input_ids=ids, labels=torch.where(supervised, ids[0], -100)[None], use_cache=False).loss.backward()
    else:
        places = supervised.nonzero()[:, 0]
        hidden = model.model(input_ids=ids, use_cache=False)[0][0, places - 1]
        pieces = max(1, -(-len(places) // 4096))
        (summed_loss(Head(model), hidden, ids[0, places], pieces) / len(places)).backward()  # pyright: ignore
    return {"megabytes": peak() - before, "seconds": time.process_time() - begun}


def peak() -> float:
    """Peak of this process's memory [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print a table."""
    if len(sys.argv) > 2:
        print(json.dumps(update(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
        return
    tokens = int(sys.argv[1]) if len(sys.argv) > 1 else 8192
    for share in SHARES:
        found = {}
        for how in ("stock", "ours"):
            command = [sys.executable, __file__, how, str(tokens), str(share)]
            found[how] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            print(f"{tokens:,} tokens, {share:.1%} supervised, {how}: {found[how]}", flush=True)
        ratios = {name: round(found["ours"][name] / found["stock"][name], 3) for name in found["ours"]}
        print(f"ours / stock: {ratios}")


if __name__ == "__main__":
    main()

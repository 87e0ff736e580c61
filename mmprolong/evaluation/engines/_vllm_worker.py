"""Run vLLM for another process: one JSON object a line, in and out. Imports nothing of ours: it may run elsewhere.

The first line holds the arguments of `vllm.LLM`, each later one prompts and the arguments of `vllm.SamplingParams`.
"""

import json
import os
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # vLLM writes to standard output, too
    arguments = json.loads(sys.stdin.readline())
    import numpy as np
    from PIL import Image

    vllm = import_module("vllm")
    engine = vllm.LLM(**arguments)
    answers.write(json.dumps({"version": vllm.__version__}) + "\n")

    def prompt(given: dict[str, Any]) -> dict[str, Any]:
        pages = [Image.fromarray(np.load(path)).convert("RGB") for path in given["images"]]
        return {"prompt_token_ids": given["ids"], **({"multi_modal_data": {"image": pages}} if pages else {})}

    for line in sys.stdin:
        given = json.loads(line)
        sampling = vllm.SamplingParams(**given["sampling"])
        outputs = engine.generate([prompt(each) for each in given["prompts"]], sampling, use_tqdm=False)
        replies = [
            {
                "ids": list(output.outputs[0].token_ids),
                "finish": output.outputs[0].finish_reason,
                "prompt_tokens": len(output.prompt_token_ids),
                "cached": output.num_cached_tokens or 0,
            }
            for output in outputs
        ]
        answers.write(json.dumps({"replies": replies}) + "\n")


if __name__ == "__main__":
    main()

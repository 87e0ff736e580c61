"""Training on one GPU against what the pre-flight predicts: `python -m benchmarks.gpu [--tiny] [HARDWARE]`.

Random weights with the widths of Qwen2.5-VL-7B and fewer layers, in bfloat16, within five minutes on a Hopper GPU.
Prints a JSON object a line: whether conversations that are packed give the states that they give alone; the speed of
each attention kernel; tokens a second and peak memory of an update on 32K, 64K and 128K tokens beside the prediction
for the hardware (a choice of `hardware=`, by default h200). `--tiny` is for CPUs: tiny widths and
a few hundred tokens, of which predictions mean nothing.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from statistics import median
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForImageTextToText

from mmprolong.config.compose import Composer
from mmprolong.conversations import Image
from mmprolong.models.encoding import Encoded
from mmprolong.models.network import Batch, collate
from mmprolong.models.qwen_vl import kernels
from mmprolong.models.qwen_vl.image_format import ImageFormat
from mmprolong.models.qwen_vl.patches import patchify
from mmprolong.models.qwen_vl.positions import mrope_positions
from mmprolong.models.qwen_vl.qwen_network import QwenNetwork, ready
from mmprolong.models.rope import NativeRope
from mmprolong.models.shapes import Shape, known_sizes, shape_in
from mmprolong.settings.execution import Hardware
from mmprolong.settings.knobs import Optimizer
from mmprolong.training.engines.single import Single
from mmprolong.training.footprint import GIB, Seen, device_memory
from mmprolong.training.layout import Layout
from mmprolong.training.memory import peak_memory, reset_peak
from mmprolong.training.objectives.next_token import NextToken
from mmprolong.training.parallelism import Parallelism
from mmprolong.training.timing import pack_flops, pack_seconds, step_seconds

MODEL, LAYERS, BLOCKS = "Qwen/Qwen2.5-VL-7B-Instruct", 4, 8
IMAGE, TEXT, END = 1000, 10, 1001
"""Ids; with random weights any will do."""
PAGE = (114, 88)
"""Rows and columns of patches of a letter page at 144 dpi."""
SUPERVISED = 200
UPDATES = 3


class Pages:
    """A backbone of one kind of page, without a tokenizer."""

    image_token, end, form = IMAGE, (END,), ImageFormat(min_pixels=3136, max_pixels=12_845_056)

    def positions(self, encoded: Encoded) -> np.ndarray:
        """mRoPE positions."""
        return mrope_positions(encoded, self.form.merge)

    def patches(self, pages: Any, grids: np.ndarray) -> np.ndarray:
        """Pixels, cut."""
        return patchify(pages, self.form)

    def write_processor(self, folder: Any) -> None:
        """Nothing to write."""

    def size(self, image: Image) -> tuple[int, int]:
        """Width and height [px]."""
        height, width = (int(each) * self.form.patch for each in image.source.split("x"))
        return width, height

    def pixels(self, image: Image) -> np.ndarray:
        """Noise."""
        width, height = self.size(image)
        return np.random.default_rng(image.index).integers(0, 256, (height, width, 3), dtype=np.uint8)


BACKBONE: Any = Pages()


def conversation(pages: int, page: tuple[int, int], text: int, supervised: int) -> Encoded:
    """Pages, then text of which the last tokens are learned."""
    tokens = page[0] * page[1] // 4
    ids = np.concatenate([np.full(pages * tokens, IMAGE), TEXT + np.arange(text) % 500]).astype(np.int64)
    learned = np.zeros(len(ids), bool)
    learned[len(ids) - supervised :] = True
    grids = np.tile(np.array([[1, *page]], np.int64), (pages, 1))
    spans = np.array([[n * tokens, (n + 1) * tokens] for n in range(pages)], np.int64).reshape(-1, 2)
    shown = tuple(Image(f"{page[0]}x{page[1]}", number) for number in range(pages))
    return Encoded(ids, learned, shown, grids, spans)


def small_model(tiny: bool) -> tuple[QwenNetwork, Shape]:
    """A network with random weights, and its sizes."""
    shape = shape_in(known_sizes()[MODEL], MODEL)
    assert shape.vision is not None
    text = replace(shape.text, layers=LAYERS)
    vision = replace(shape.vision, depth=BLOCKS, full=1)
    if tiny:
        text = replace(text, hidden=64, vocabulary=1024, layers=2, heads=2, kv_heads=1, head_dim=32, ffn=96)
        vision = replace(vision, hidden=32, depth=2, heads=2, ffn=64, out=64)
    half = text.head_dim // 2
    sections = [half - 2 * (half * 3 // 8), half * 3 // 8, half * 3 // 8]
    words = {
        "hidden_size": text.hidden,
        "num_hidden_layers": text.layers,
        "intermediate_size": text.ffn,
        "num_attention_heads": text.heads,
        "num_key_value_heads": text.kv_heads,
        "vocab_size": text.vocabulary,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": sections},
    }
    sees = {
        "hidden_size": vision.hidden,
        "depth": vision.depth,
        "num_heads": vision.heads,
        "intermediate_size": vision.ffn,
        "out_hidden_size": vision.out,
        "window_size": vision.window,
        "fullatt_block_indexes": [vision.depth - 1],
    }
    config = AutoConfig.for_model(
        "qwen2_5_vl", text_config=words, vision_config=sees, image_token_id=IMAGE, tie_word_embeddings=False
    )
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.device(device):
        module = AutoModelForImageTextToText.from_config(config, dtype=torch.bfloat16)
    network = ready(module, BACKBONE, NativeRope(1e6, 32_768, 131_072))
    return network, replace(shape, text=text, vision=vision)


def packed_is_alone(network: QwenNetwork, page: tuple[int, int], text: int) -> dict[str, Any]:
    """Largest difference between the states of two packed conversations and of each alone, over their spread."""
    two = [conversation(2, page, text, 5), conversation(1, page, 2 * text, 5)]
    device = network.module.device
    with torch.no_grad():
        together = hidden(network, collate(two, BACKBONE, BACKBONE).to(device))
        alone = torch.cat([hidden(network, collate([each], BACKBONE, BACKBONE).to(device)) for each in two])
    difference = float((together - alone).abs().max() / alone.std())
    return {"what": "packed against alone", "attention": network.attention, "largest difference": difference}


def hidden(network: QwenNetwork, batch: Batch) -> torch.Tensor:
    """Last states (tokens, width), float32."""
    return network.hidden(network.embed(batch))[0].float()


def kernel_times(shape: Shape, tokens: int) -> Iterator[dict[str, Any]]:
    """Time of causal attention, forward and backward, by each kernel that is here."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for name in (kernels.FLASH, kernels.VARLEN, kernels.SDPA):
        try:
            kernel = kernels._kernel(name)
            if name != kernels.SDPA and device.type != "cuda":
                raise RuntimeError("needs a GPU")
            heads = shape.text.heads, shape.text.kv_heads, shape.text.kv_heads
            states = [
                torch.randn(tokens, each, shape.text.head_dim, device=device, dtype=torch.bfloat16, requires_grad=True)
                for each in heads
            ]
            where = kernels.Sequences.equal(2, tokens // 2, device)
            seconds = []
            for _ in range(UPDATES + 1):
                begun = clock()
                kernel(*states, where, where, True, None).sum().backward()
                seconds.append(clock() - begun)
        except (ImportError, RuntimeError) as error:
            yield {"what": "attention", "kernel": name, "error": str(error).partition("\n")[0]}
        else:
            work = 3.5 * 4 * shape.text.query * 2 * (tokens // 2) ** 2 / 2
            rate = work / median(seconds[1:]) / 1e12
            yield {"what": "attention", "kernel": name, "tokens": tokens, "TFLOP/s": round(rate, 2)}


def update(network: QwenNetwork, shape: Shape, pages: int, page: tuple[int, int], hardware: Hardware) -> dict[str, Any]:
    """Tokens a second and peak memory of an update beside the prediction."""
    document = conversation(pages, page, 2 * SUPERVISED, SUPERVISED)
    batch = collate([document], BACKBONE, BACKBONE)
    engine = Single(recompute=True).start(network, Optimizer(), Layout())
    reset_peak()
    seconds = []
    for _ in range(UPDATES + 1):
        begun = clock()
        engine.backward(NextToken(), batch, float(SUPERVISED), True)
        engine.step(1e-5, float("inf"))
        seconds.append(clock() - begun)
    seen = Seen(len(document), SUPERVISED, (page,) * pages)
    parallel = Parallelism(recompute=True)
    flops = pack_flops(shape, [seen])
    predicted = pack_seconds(shape, flops, seen, parallel, hardware) + step_seconds(shape, parallel, hardware)
    memory = sum(device_memory(shape, parallel, seen).values())
    found = {"tokens/s": len(document) / median(seconds[1:]), "GiB": peak_memory() * 1e9 / GIB}
    guess = {"tokens/s": len(document) / predicted, "GiB": memory / GIB}
    errors = {name: round(guess[name] / found[name] - 1, 3) for name in found}
    return {
        "what": "update",
        "tokens": len(document),
        "attention": network.attention,
        "found": {name: round(value, 2) for name, value in found.items()},
        "predicted": {name: round(value, 2) for name, value in guess.items()},
        "error of the prediction": errors,
    }


def clock() -> float:
    """Time at which the device has done what it was given [s]."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def main(words: list[str]) -> None:
    """Print a line for each measurement."""
    tiny = "--tiny" in words
    names = [word for word in words if not word.startswith("-")]
    hardware = Composer().compose([f"hardware={next(iter(names), 'h200')}"]).cluster.hardware
    page = (8, 8) if tiny else PAGE
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    about = {"device": device, "torch": torch.__version__, "hardware": hardware.name}
    network, shape = small_model(tiny)
    for line in (
        {"what": "machine", **about},
        packed_is_alone(network, page, 20),
        *kernel_times(shape, 512 if tiny else 32_768),
    ):
        print(json.dumps(line), flush=True)
    tokens = page[0] * page[1] // 4
    for length in (512, 1024) if tiny else (32_768, 65_536, 131_072):
        print(json.dumps(update(network, shape, (length - 2 * SUPERVISED) // tokens, page, hardware)), flush=True)


if __name__ == "__main__":
    main(list(islice(sys.argv, 1, None)))

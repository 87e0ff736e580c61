"""Speed of vLLM with and without its prefix cache: `python benchmarks/vllm_cache.py MODEL [--python P] [--block 128]`.

MODEL is a folder of weights of Qwen2.5-VL. Documents of 16 pages, 8 questions on each, one token a reply, in the order
in which our engine asks: the first question on every document before the others. Both ways one after the other, wall
time without the start of vLLM.
"""

import argparse
import time

import numpy as np

from mmprolong.conversations import Image, Message, Pages, Text
from mmprolong.evaluation.engines import Subject
from mmprolong.evaluation.engines.vllm import VLLM
from mmprolong.records import Gold, Reject, Reply, Sample
from mmprolong.settings.knobs import Model, View

PAGES, QUESTIONS, DOCUMENTS, SIDE = 16, 8, 4, 448


class Noise:
    """Noise in place of pages."""

    def size(self, image: Image) -> tuple[int, int]:
        return SIDE, SIDE

    def pixels(self, image: Image) -> np.ndarray:
        return np.random.default_rng([int(image.source[4:]), image.index]).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def samples(first: int) -> list[Sample]:
    def one(document: int, key: str) -> Sample:
        prompt = (Message("user", (Pages(f"pdf:{document}", 0, PAGES - 1), Text(f"{key}: what does it say?"))),)
        name = f"{document}-{key}"
        return Sample(
            id=name, benchmark="b", task="t", length="1x", cluster=str(document), prompt=prompt, gold=Gold("")
        )

    return [one(document, key) for document in range(first, first + DOCUMENTS) for key in "ABCDEFGH"[:QUESTIONS]]


def measure(model: Model, choice: VLLM) -> tuple[float, int, int]:
    """Return seconds, tokens of all prompts, cached ones; documents that are asked before the clock warm the engine."""
    engine = choice.start(Subject(model), Noise(), View(min_pixels=SIDE**2, max_pixels=SIDE**2), 1)
    given = [batch for first in (0, DOCUMENTS) for batch in engine.batches(samples(first))]
    warm, timed = given[: len(given) // 2], given[len(given) // 2 :]
    replies: list[Reply] = []
    for batch in warm:
        assert not isinstance(batch, Reject)
        engine.answer(batch)
    started = time.monotonic()
    for batch in timed:
        assert not isinstance(batch, Reject)
        replies += [each for each in engine.answer(batch) if isinstance(each, Reply)]
    seconds = time.monotonic() - started
    engine.close()
    assert len(replies) == DOCUMENTS * QUESTIONS
    return seconds, sum(each.prompt_tokens for each in replies), sum(each.cached_tokens for each in replies)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--python", default="", help="interpreter of the environment that has vLLM")
    parser.add_argument("--block", type=int, default=16, help="tokens of a block of the cache; on a CPU 128")
    given = parser.parse_args()
    model = Model(backbone="qwen2_5_vl", path=given.model)
    seconds = {}
    for cached in (True, False):
        options = {"enable_prefix_caching": cached, "enforce_eager": True, "skip_mm_profiling": True}
        choice = VLLM(python=given.python, block=given.block, at_once=QUESTIONS, options=options)
        seconds[cached], tokens, hits = measure(model, choice)
        print(f"prefix cache {'on' if cached else 'off'}: {tokens:,} tokens, {hits:,} cached, {seconds[cached]:.2f} s")
    print(f"{seconds[False] / seconds[True]:.1f} times as fast with the cache")


if __name__ == "__main__":
    main()

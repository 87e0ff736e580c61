"""Speed of one prefill a document against one a question, side by side: `python benchmarks/prefix_sharing.py`.

The proxy, documents of 64 pages, 8 questions on each, one token a reply. Both ways read the same prompts in one
process on one thread, in turns; the best of several rounds counts, in seconds of the processor.
"""

import time
from dataclasses import replace

import numpy as np
import torch

from mmprolong.conversations import Image, Message, Pages, Text
from mmprolong.evaluation.engines import Subject
from mmprolong.evaluation.engines.transformers import InProcess, PrefixBatch, Transformers
from mmprolong.records import Gold, Reply, Sample
from mmprolong.settings.knobs import Model, View

PAGES, QUESTIONS, DOCUMENTS, SIDE, ROUNDS = 64, 8, 8, 56, 3


class Thumbnails:
    """Noise in place of stamped pages."""

    def size(self, image: Image) -> tuple[int, int]:
        return SIDE, SIDE

    def pixels(self, image: Image) -> np.ndarray:
        return np.random.default_rng([int(image.source[4:]), image.index]).integers(0, 256, (SIDE, SIDE), np.uint8)


def samples() -> list[Sample]:
    def one(document: int, key: str) -> Sample:
        prompt = (Message("user", (Pages(f"pdf:{document}", 0, PAGES - 1), Text(f"find {key} :"))),)
        name = f"{document}-{key}"
        return Sample(
            id=name, benchmark="b", task="t", length="64p", cluster=str(document), prompt=prompt, gold=Gold("")
        )

    return [one(document, key) for document in range(DOCUMENTS) for key in "ABCDEFGH"[:QUESTIONS]]


def apart(batch: PrefixBatch) -> PrefixBatch:
    """The same samples, each with a prefill of its own."""
    asked = tuple(replace(each, cached=0) for each in batch.asked)
    return PrefixBatch(tuple(range(len(asked))), asked, batch.prefix, batch.rows)


def main() -> None:
    torch.set_num_threads(1)
    engine = Transformers().start(Subject(Model()), Thumbnails(), View(thumbnail=SIDE), 1)
    shared = [batch for batch in engine.batches(samples()) if isinstance(batch, PrefixBatch)]
    ways = {"one prefill a document": shared, "one prefill a question": [apart(batch) for batch in shared]}
    engine.answer(shared[0])  # layouts of the pages are found once
    seconds = {name: min(_seconds(engine, batches) for _ in range(ROUNDS)) for name, batches in ways.items()}
    tokens = {
        name: sum(each.tokens - each.cached for batch in batches for each in batch.asked)
        for name, batches in ways.items()
    }
    for name in ways:
        print(f"{name}: {tokens[name]:,} tokens prefilled, {seconds[name]:.2f} s")
    fast, slow = seconds.values()
    few, many = tokens.values()
    print(f"{slow / fast:.1f} times as fast, {many / few:.1f} times fewer tokens")
    held = max(len({*batch.groups}) * batch.prefix + batch.rows * batch.asked[0].tokens for batch in shared)
    print(f"at most {held:,} of {engine.capacity:,} tokens of cache held (suite.engine.memory: 16 GiB)")


def _seconds(engine: InProcess, batches: list[PrefixBatch]) -> float:
    started = time.process_time()
    for batch in batches:
        assert all(isinstance(each, Reply) for each in engine.answer(batch))
    return time.process_time() - started


if __name__ == "__main__":
    main()

"""Training speed against Hugging Face's Trainer and a plain loop, on the same documents (needs accelerate).

All train the proxy model on stamped pages of noise on one thread, in turns; a figure is the median over the turns. The
Trainer shuffles documents and pads them, as it does by default. The plain loop gets documents of nearly equal length in
one padded batch; once with the image processor in the loop, once with all images preprocessed ahead of time. Ours draws
and cuts them in the loop. Work is counted as the plain loop does it: ours folds the colours and frames of grey pages.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image as Pillow
from transformers import AutoModelForImageTextToText, Trainer, TrainerCallback, TrainingArguments
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from mmprolong.conversations import Image, Message, Pages, Text
from mmprolong.images import stamps
from mmprolong.models.backbone import encode, find
from mmprolong.models.backbones.proxy import IDS
from mmprolong.models.encoding import Encoded
from mmprolong.models.network import Batch, collate
from mmprolong.records import Measured
from mmprolong.runtime.run_log import RunLog
from mmprolong.settings.knobs import Model, Optimizer, View
from mmprolong.training.engines.single import Single
from mmprolong.training.layout import Layout
from mmprolong.training.loop import Loop
from mmprolong.training.objectives.next_token import NextToken

PROXY = find("proxy")
PACK = 1024
SIDE = 56
UPDATES = 6
"""Updates of each loop a turn."""
DOCUMENTS = 400
SETS = {"8 pages": (8, 8), "8-64 pages": (8, 64)}


class Thumbnails:
    """Grey noise with a stamp in the corner."""

    def __init__(self) -> None:
        self._pages = np.random.default_rng(0).integers(0, 256, (64, SIDE, SIDE), dtype=np.uint8)

    def size(self, image: Image) -> tuple[int, int]:
        return SIDE, SIDE

    def pixels(self, image: Image) -> np.ndarray:
        return stamps.draw(self._pages[image.index], image.stamp, image.index)


IMAGES = Thumbnails()


def document(number: int, pages: tuple[int, int]) -> Encoded:
    """A document of so many pages; one in five is read aloud, the others are asked for four values."""
    rng = np.random.default_rng([number, *pages])
    length = int(rng.integers(pages[0], pages[1] + 1))
    stamped = [f"{rng.choice(list('ABCDEFGH'))}{rng.integers(10)}" for _ in range(length)]
    turns = [(f"find {key}", value) for key, value in stamped[:4]]
    if number % 5 == 0:
        turns = [("read :", " ".join(f"{key} {value}" for key, value in stamped))]
    messages = [Message("user", (Pages("pdf:noise", 0, length - 1, tuple(stamped)),))]
    for question, answer in turns:
        messages += [Message("user", (Text(question),)), Message("assistant", (Text(answer, learned=True),))]
    return encode(PROXY, messages, IMAGES, View())


class Packs:
    """Every update is one pack, filled in order."""

    def __init__(self, documents: Sequence[Encoded]) -> None:
        self._packs: list[list[Encoded]] = [[]]
        for each in documents:
            if sum(map(len, self._packs[-1])) + len(each) > PACK:
                self._packs.append([])
            self._packs[-1].append(each)
        self.tokens = sum(map(len, documents))

    def __len__(self) -> int:
        return len(self._packs)

    def conversations(self, update: int) -> list[Measured]:
        facts = {"example": "", "conversation": "answer", "task": "", "cluster": "", "length": ""}
        return [
            Measured(tokens=len(each), supervised=int(each.supervised.sum()), images=len(each.images), **facts)
            for each in self._packs[update]
        ]

    def packs(self, update: int) -> list[int]:
        return [update]

    def turns(self, update: int) -> range:
        return range(1)

    def flops(self, update: int) -> float:
        return 1.0

    def idle(self, update: int) -> float:
        return 0.0

    def batches(self, update: int) -> Iterator[Batch]:
        yield collate(self._packs[update], PROXY, IMAGES)


def ours(documents: Sequence[Encoded], folder: Path) -> Iterator[int]:
    """Tokens of update after update of the trainer."""
    packs, settings = Packs(documents), Optimizer()
    engine = Single().start(PROXY.load(Model()), settings, Layout())
    loop = Loop(engine, NextToken(), packs, settings, Model().native_context, folder / "snapshots", RunLog(folder))
    while True:
        for update in range(len(packs)):
            loop.update(update)
            yield sum(each.tokens for each in packs.conversations(update))


def plain(documents: Sequence[Encoded], folder: Path, ahead: bool) -> Iterator[int]:
    """The same of the loop that a careful user writes."""
    PROXY.load(Model()).export(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4)
    processor = Qwen2VLImageProcessorPil(do_resize=False)
    batches = [padded(each) for each in equally_long(documents)]
    random.Random(0).shuffle(batches)
    batches = batches[:40]
    drawn = [[Pillow.fromarray(IMAGES.pixels(each)).convert("RGB") for each in shown] for _, shown, _ in batches]
    ready = [processor(images=pages, return_tensors="pt") for pages in drawn] if ahead else []
    while True:
        for number, (inputs, _, tokens) in enumerate(batches):
            pixels = ready[number] if ahead else processor(images=drawn[number], return_tensors="pt")
            model(**inputs, **pixels).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            yield tokens


class Timed(TrainerCallback):
    """Processor time of the updates of a Trainer, without what it does before and after."""

    def __init__(self) -> None:
        self.begun, self.seconds = 0.0, 0.0

    def on_step_begin(self, args, state, control, **_) -> None:
        self.begun = self.begun or time.process_time()

    def on_step_end(self, args, state, control, **_) -> None:
        self.seconds = time.process_time() - self.begun


def trainer(documents: Sequence[Encoded], folder: Path) -> Iterator[float]:
    """Tokens a second of turn after turn of Hugging Face's Trainer with its own settings."""
    PROXY.load(Model()).export(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    processor = Qwen2VLImageProcessorPil(do_resize=False)
    tokens = 0

    def collator(chosen: list[Encoded]) -> dict[str, torch.Tensor]:
        nonlocal tokens
        inputs, shown, found = padded(chosen)
        tokens += found
        pages = [Pillow.fromarray(IMAGES.pixels(each)).convert("RGB") for each in shown]
        return inputs | dict(processor(images=pages, return_tensors="pt"))

    size = max(1, round(PACK / (sum(map(len, documents)) / len(documents))))
    settings = TrainingArguments(
        output_dir=str(folder / "out"),
        per_device_train_batch_size=size,
        max_steps=UPDATES,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        remove_unused_columns=False,
        logging_strategy="no",
    )
    while True:
        tokens, timed = 0, Timed()
        Trainer(model, settings, collator, list(documents), callbacks=[timed]).train()  # pyright: ignore
        yield tokens / timed.seconds


def turns_of(updates: Iterator[int]) -> Iterator[float]:
    """Tokens a second of turn after turn, in processor time: another program on the machine does not count."""
    while True:
        begun = time.process_time()
        tokens = sum(islice(updates, UPDATES))
        yield tokens / (time.process_time() - begun)


def equally_long(documents: Sequence[Encoded]) -> Iterator[list[Encoded]]:
    """Batches of about a pack's tokens, of documents whose lengths are next to each other."""
    for _, group in groupby(sorted(documents, key=len), key=lambda each: max(1, PACK // len(each))):
        same = list(group)
        size = max(1, PACK // len(same[0]))
        yield from (same[start : start + size] for start in range(0, len(same), size))


def padded(documents: list[Encoded]) -> tuple[dict[str, torch.Tensor], list[Image], int]:
    """Padded inputs, the images, the tokens without padding."""
    width = max(map(len, documents))
    ids = np.full((len(documents), width), IDS["<pad>"])
    labels, mask = np.full_like(ids, -100), np.zeros_like(ids)
    for row, each in enumerate(documents):
        ids[row, : len(each)] = each.ids
        mask[row, : len(each)] = 1
        labels[row, : len(each)] = np.where(each.supervised, each.ids, -100)
    table = {"input_ids": ids, "attention_mask": mask, "labels": labels, "mm_token_type_ids": ids == PROXY.image_token}
    inputs = {name: torch.from_numpy(values.astype(np.int64)) for name, values in table.items()}
    return inputs, [image for each in documents for image in each.images], int(mask.sum())


def work(documents: Sequence[Encoded]) -> float:
    """Floating point operations of the matrix products of an update, per token (a backward pass is two forwards)."""
    config = PROXY.load(Model()).module.config
    text, vision = config.text_config, config.vision_config
    wide, keys = text.hidden_size, text.num_key_value_heads * text.hidden_size // text.num_attention_heads
    layer = 2 * wide * wide + 2 * wide * keys + 3 * wide * text.intermediate_size
    inner = vision.hidden_size
    block = 4 * inner * inner + 3 * inner * vision.intermediate_size
    merger = (4 * inner) ** 2 + 4 * inner * vision.out_hidden_size
    total = 0
    for each in documents:
        length, patches = len(each), int(each.grids.prod(1).sum())
        attention = text.num_hidden_layers * length**2 * wide + vision.depth * 2 * patches * 16 * inner
        products = length * text.num_hidden_layers * layer + patches * (vision.depth * block + merger / 4) + attention
        total += 6 * (products + int(each.supervised.sum()) * wide * text.vocab_size) + 4 * patches * 1176 * inner
    return total / sum(map(len, documents))


def peak() -> float:
    """Floating point operations a second of a large float32 matrix product on one thread."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    begun = time.process_time()
    for _ in range(10):
        a @ b
    return 10 * 2 * 1024**3 / (time.process_time() - begun)


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(f"{'documents':12}{'loop':34}{'tokens/s':>10}{'ours/it':>9}{'of the peak':>13}")
    for name, pages in SETS.items():
        documents = [document(number, pages) for number in range(DOCUMENTS)]
        with tempfile.TemporaryDirectory() as folder:
            loops = {
                "Trainer": trainer(documents, Path(folder) / "trainer"),
                "plain": turns_of(plain(documents, Path(folder) / "plain", ahead=False)),
                "plain, images preprocessed ahead": turns_of(plain(documents, Path(folder) / "ahead", ahead=True)),
                "mmprolong": turns_of(ours(documents, Path(folder) / "ours")),
            }
            for rates in loops.values():
                next(rates)  # warm up
            found = [{loop: next(rates) for loop, rates in loops.items()} | {"peak": peak()} for _ in range(turns)]
        need = work(documents)
        for loop in loops:
            rate = median(turn[loop] for turn in found)
            ratio = median(turn["mmprolong"] / turn[loop] for turn in found)
            share = median(turn[loop] * need / turn["peak"] for turn in found)
            print(f"{name:12}{loop:34}{rate:10,.0f}{ratio:9.2f}{share:13.0%}", flush=True)
        limit = median(turn["peak"] for turn in found)
        print(f"{name:12}peak {limit / 1e9:.0f} GFLOP/s; {need / 1e6:.2f} MFLOP a token")


if __name__ == "__main__":
    main()

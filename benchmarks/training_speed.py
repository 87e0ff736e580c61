"""Training speed against the plain Hugging Face loop, on the same documents: `python benchmarks/training_speed.py`.

Both train the proxy model on stamped documents of the demo pool on one thread, in turns; a figure is the median over
the turns. The plain loop gets documents of nearly equal length in one padded batch, default attention and default
AdamW; once with the image processor in the loop, once with all images preprocessed ahead of time. Ours draws and cuts
them in the loop. Work is counted as the plain loop does it: ours folds the three colours and two frames of grey pages.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import groupby, islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from mmprolong.mixture.selection import Entry
from PIL import Image as Pillow
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from mmprolong.config.compose import Composer
from mmprolong.images.pages import PageImages
from mmprolong.mixture.packing import pack
from mmprolong.models.backbone import count, encode, find
from mmprolong.models.backbones.proxy import SPECIAL, Proxy, _config
from mmprolong.models.encoding import Encoded
from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import steps_of
from mmprolong.records import Document, Instance, read_jsonl, write_jsonl
from mmprolong.runtime.run_log import RunLog
from mmprolong.settings.knobs import Model, Optimizer, Source, Tracking
from mmprolong.store.store import Store
from mmprolong.synthesis.stamps import write_stamped
from mmprolong.training.loop import Loop
from mmprolong.training.objectives import next_token
from mmprolong.training.stream import Stream

PROXY = Proxy()
PACK = 1024
UPDATES = 6
"""Updates of each loop a turn."""
TASKS = ["extract_single", "extract_multi", "reasoning", "ocr_full", "ocr_needle"]
SETS = {"8 pages": [8, 8], "8-64 pages": [8, 64]}
Update = Callable[[], int]
"""One update; its tokens, padding left out."""


def pool(store: Path) -> tuple[PageImages, list[Document]]:
    """The demo pool, read."""
    config = Composer().frozen([f"paths.store={store}"])
    step = steps_of(config)["corpus"]
    run_step(Store(store), step, Tracking(mode="off"))
    folder = store / step.path
    return PageImages(folder, config.corpus), list(read_jsonl(folder / "documents.jsonl", Document))


def write(folder: Path, pages: list[int], documents: list[Document], images: PageImages) -> Path:
    """Instances and packs of 400 documents, as synthesis and mixture write them."""
    folder.mkdir()
    source = Source(tasks=TASKS, documents=80, pages=[pages])
    counter = lambda messages: count(PROXY, messages, images.size)  # noqa: E731
    write_jsonl(folder / "instances.jsonl", write_stamped(documents, source, "proxy", counter))
    write_jsonl(folder / "packs.jsonl", pack(list(read_jsonl(folder / "instances.jsonl", Entry)), PACK, 0))
    return folder


def ours(folder: Path, images: PageImages) -> Iterator[int]:
    """Tokens of update after update of the trainer."""
    stream = Stream(folder, [folder], find("proxy"), images, PACK, PACK)
    loop = Loop(PROXY.build(Model()), next_token.loss, stream, Optimizer(), Model().window, folder, RunLog(folder))
    while True:
        for update in range(len(stream)):
            loop.update(update)
            yield stream.tokens_of(update)


def plain(folder: Path, images: PageImages, ahead: bool) -> Iterator[int]:
    """The same of the loop that a careful user writes."""
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration(_config(PROXY)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4)
    processor = Qwen2VLImageProcessorPil(do_resize=False)
    batches = [batch(documents) for documents in equally_long(folder, images)]
    random.Random(0).shuffle(batches)
    batches = batches[:40]
    drawn = [[Pillow.fromarray(images(each)).convert("RGB") for each in shown] for _, shown, _ in batches]
    ready = [processor(images=pages, return_tensors="pt") for pages in drawn] if ahead else []
    while True:
        for number, (inputs, _, tokens) in enumerate(batches):
            pixels = ready[number] if ahead else processor(images=drawn[number], return_tensors="pt")
            model(**inputs, **pixels).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            yield tokens


def equally_long(folder: Path, images: PageImages) -> Iterator[list[Encoded]]:
    """Batches of about a pack's tokens, of documents whose lengths are next to each other."""
    encoded = [encode(PROXY, each.messages, images.size) for each in read_jsonl(folder / "instances.jsonl", Instance)]
    encoded.sort(key=lambda each: len(each.ids))
    for _, group in groupby(encoded, key=lambda each: max(1, PACK // len(each.ids))):
        same = list(group)
        size = max(1, PACK // len(same[0].ids))
        yield from (same[start : start + size] for start in range(0, len(same), size))


def batch(documents: list[Encoded]) -> tuple[dict[str, torch.Tensor], list, int]:
    """Padded inputs, the images, the tokens without padding."""
    width = max(len(each.ids) for each in documents)
    ids = np.full((len(documents), width), SPECIAL.index("<pad>"))
    labels, mask = np.full_like(ids, -100), np.zeros_like(ids)
    for row, each in enumerate(documents):
        ids[row, : len(each.ids)] = each.ids
        mask[row, : len(each.ids)] = 1
        labels[row, : len(each.ids)] = np.where(each.supervised, each.ids, -100)
    table = {"input_ids": ids, "attention_mask": mask, "labels": labels, "mm_token_type_ids": ids == PROXY.image_token}
    inputs = {name: torch.from_numpy(values.astype(np.int64)) for name, values in table.items()}
    return inputs, [image for each in documents for image in each.images], int(mask.sum())


def work(folder: Path, images: PageImages) -> float:
    """Floating point operations of the matrix products of an update, per token (a backward pass is two forwards)."""
    config = _config(PROXY)
    text, vision = config.text_config, config.vision_config
    wide, keys = text.hidden_size, text.num_key_value_heads * text.hidden_size // text.num_attention_heads
    layer = 2 * wide * wide + 2 * wide * keys + 3 * wide * text.intermediate_size
    inner = vision.hidden_size
    block = 4 * inner * inner + 3 * inner * vision.intermediate_size
    merger = (4 * inner) ** 2 + 4 * inner * vision.out_hidden_size
    total = tokens = 0
    for each in read_jsonl(folder / "instances.jsonl", Instance):
        document = encode(PROXY, each.messages, images.size)
        length, patches = len(document.ids), int(document.grids.prod(1).sum())
        attention = text.num_hidden_layers * length**2 * wide + vision.depth * 2 * patches * 16 * inner
        products = length * text.num_hidden_layers * layer + patches * (vision.depth * block + merger / 4) + attention
        total += 6 * (products + each.supervised * wide * text.vocab_size) + 4 * patches * 1176 * inner
        tokens += length
    return total / tokens


def peak() -> float:
    """Floating point operations a second of a large float32 matrix product on one thread."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    begun = time.process_time()
    for _ in range(10):
        a @ b
    return 10 * 2 * 1024**3 / (time.process_time() - begun)


def speed(updates: Iterator[int]) -> float:
    """Tokens a second over one turn, in processor time: another program on the machine does not count."""
    begun = time.process_time()
    tokens = sum(islice(updates, UPDATES))
    return tokens / (time.process_time() - begun)


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        images, documents = pool(Path(folder) / "store")
        print(f"{'documents':12}{'loop':34}{'tokens/s':>10}{'ours/it':>9}{'of the peak':>13}")
        for name, pages in SETS.items():
            written = write(Path(folder) / name, pages, documents, images)
            loops = {
                "plain": plain(written, images, ahead=False),
                "plain, images preprocessed ahead": plain(written, images, ahead=True),
                "mmprolong": ours(written, images),
            }
            for updates in loops.values():
                speed(updates)  # warm up
            found = [{loop: speed(updates) for loop, updates in loops.items()} | {"peak": peak()} for _ in range(turns)]
            need = work(written, images)
            for loop in loops:
                rate = median(turn[loop] for turn in found)
                ratio = median(turn["mmprolong"] / turn[loop] for turn in found)
                share = median(turn[loop] * need / turn["peak"] for turn in found)
                print(f"{name:12}{loop:34}{rate:10,.0f}{ratio:9.2f}{share:13.0%}", flush=True)
            limit = median(turn["peak"] for turn in found)
            print(f"{name:12}peak {limit / 1e9:.0f} GFLOP/s; {need / 1e6:.2f} MFLOP a token")


if __name__ == "__main__":
    main()

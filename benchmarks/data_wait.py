"""Waiting for data with real pages: `python benchmarks/data_wait.py [PACKS]`.

Packs of 52 pages of the demo's PDFs at 144 dpi, as Qwen2.5-VL reads them in 128K tokens, are drawn and cut by 8 workers
while a sleep of 20 s a pack stands for the GPU. Prints the share of the time spent waiting, and the processor time that
a pack takes: what one GPU needs of the processors, and what eight need.
"""

import resource
import sys
import tempfile
import time
from functools import partial
from itertools import islice
from pathlib import Path

from mmprolong.conversations import Message, Pages, Text
from mmprolong.images.documents import Document
from mmprolong.images.sources import open_images
from mmprolong.models.backbone import encode, find
from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import make_step
from mmprolong.records import Example, Pack
from mmprolong.settings.execution import Paths, Tracking
from mmprolong.settings.knobs import Config
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store
from mmprolong.training.layout import Layout
from mmprolong.training.stream import Encoder, Stream
from tests.models.tiny import write_model

GPU_SECONDS = 20.0
WORKERS = 8
PAGES = 52


def main() -> None:
    """Print the shares."""
    packs = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        config = Config(paths=Paths(store=str(folder / "store")))
        store, corpus = Store(folder / "store"), make_step("corpus", "demo", config.corpus, {})
        run_step(store, corpus, Tracking(mode="off"))
        inputs = {"corpus": store.folder("corpus", corpus.id)}
        backbone = find("qwen2_5_vl", write_model("qwen2_5_vl", folder / "model"))
        opened = partial(open_images, config.view, config.corpus, inputs)
        examples, listed, images = {}, [], opened()
        for number, example in enumerate(islice(documents(inputs["corpus"]), packs)):
            found = encode(backbone, example.conversations["answer"], images, config.view)
            examples[example.id] = example
            supervised = (int(found.supervised.sum()),)
            listed.append(Pack(id=number, examples=(example.id,), lengths=(len(found),), supervised=supervised))
        encoder = Encoder(examples, backbone, opened, config.view, Layout().shard)
        stream = Stream(listed, encoder, 1, 1, workers=WORKERS)
        waited, begun = [], time.perf_counter()
        for update in range(len(stream)):
            before = time.perf_counter()
            for _ in stream.batches(update):
                waited.append(time.perf_counter() - before)
                time.sleep(GPU_SECONDS)
        whole = time.perf_counter() - begun
        del stream
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    a_pack = (used.ru_utime + used.ru_stime) / packs
    print(f"tokens a pack: {sum(pack.tokens for pack in listed) / packs:,.0f}; first pack after {waited[0]:.1f} s")
    print(f"waiting after that: {sum(waited[1:]) / (whole - waited[0]):.1%} of the time")
    print(
        f"processor time: {a_pack:.1f} s a pack, so {a_pack / GPU_SECONDS:.2f} cores a GPU and "
        f"{8 * a_pack / GPU_SECONDS:.1f} for eight"
    )


def documents(corpus: Path):
    """Examples of `PAGES` pages, page by page through the pool."""
    shown, number = [], 0
    for document in read_jsonl(corpus / "documents.jsonl", Document):
        for page in range(document.pages):
            shown.append(Pages(f"pdf:{document.id}", page, page))
            if len(shown) == PAGES:
                asked = Message("user", (*shown, Text("What is said?")))
                answer = Message("assistant", (Text("Nothing.", learned=True),))
                yield Example(
                    id=str(number), task="t", cluster="c", sources=(), conversations={"answer": (asked, answer)}
                )
                shown, number = [], number + 1


if __name__ == "__main__":
    main()

"""Reading kept pages back, against decoding them and against WebDataset's loader on the same shards.

`python benchmarks/page_shards.py [PDF FOLDER] [--webdataset PYTHON]`: all pages of the pool are drawn at 144 dpi and
kept. The bytes of every page are read in order and in random order through the index; WebDataset, in an environment of
its own, reads the same shards from their beginning. Then pages are decoded, and drawn anew from their PDFs. Rates are a
second of processor time, so that other work on the machine does not matter.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmprolong.conversations import Image
from mmprolong.images.documents import Document
from mmprolong.images.kept_pages import kept_folder, open_kept
from mmprolong.images.pages import CorpusPages
from mmprolong.images.prerendering import jobs_of, keep_pages
from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import make_step
from mmprolong.settings.execution import Tracking
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store

DECODED = 60
ROUNDS = 3
LOADER = """
import sys, time, warnings
warnings.simplefilter("ignore")
import webdataset
best = 1e9
for _ in range(3):
    begun, count = time.process_time(), 0
    for sample in webdataset.WebDataset(sys.argv[1:], shardshuffle=False):
        count += len(sample["webp"]) > 0
    best = min(best, time.process_time() - begun)
print(count / best)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pool", nargs="?", default="demo")
    parser.add_argument("--webdataset", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        store, view = Store(Path(place)), View()
        corpus = make_step("corpus", "pdfs", Corpus(path=given.pool, digest="of this benchmark"), {})
        run_step(store, corpus, Tracking(mode="off"))
        folder, settings = store.folder("corpus", corpus.id), Corpus(path=given.pool)
        keep_pages(jobs_of(folder, None, view, slow=-1.0), kept_folder(folder, view))
        shards = sorted(kept_folder(folder, view).glob("*.tar"))
        kept = open_kept(folder, view)
        assert kept is not None
        names = [
            (one.id, page) for one in read_jsonl(folder / "documents.jsonl", Document) for page in range(one.pages)
        ]
        names = [name for name in names if kept.content(*name) is not None]
        mixed = [names[place] for place in np.random.default_rng(0).permutation(len(names))]
        size = sum(shard.stat().st_size for shard in shards)
        print(f"{len(names):,} pages, {size / len(names) / 1000:,.0f} KB each, in {len(shards)} shards")
        ours = rate(len(names), lambda: [kept.content(*name) for name in names])
        print(f"read in order      {ours:>10,.0f} pages/s")
        print(f"read at random     {rate(len(mixed), lambda: [kept.content(*name) for name in mixed]):>10,.0f}")
        if given.webdataset:
            done = subprocess.run([given.webdataset, "-c", LOADER, *map(str, shards)], capture_output=True, text=True)
            theirs = float(done.stdout)
            print(f"WebDataset         {theirs:>10,.0f}   ours {ours / theirs:.2f} times")
        some = mixed[:DECODED]
        decoded = rate(len(some), lambda: [kept.pixels(*name) for name in some])
        print(f"read and decoded   {decoded:>10,.1f}   reading alone is {ours / decoded:,.0f} times faster")
        target = kept_folder(folder, view)
        target.rename(target.with_name("gone"))
        pages = CorpusPages(view, settings, folder)
        images = [Image(f"pdf:{name}", page) for name, page in sorted(some)]
        print(f"drawn from the PDF {rate(len(images), lambda: [pages.pixels(image) for image in images]):>10,.1f}")


def rate(count: int, work: Callable[[], object]) -> float:
    """Return how many a second of processor time, in the best of a few rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return count / best


if __name__ == "__main__":
    main()

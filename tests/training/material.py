"""Packs of small stamped documents, and a process that trains on them until it is killed."""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from mmprolong.mixture.selection import Entry
from safetensors.torch import save_file

from mmprolong.images import stamps
from mmprolong.mixture.packing import pack
from mmprolong.models.backbone import count, find
from mmprolong.records import Document, Image, Instance, read_jsonl, write_jsonl
from mmprolong.runtime.run_log import RunLog
from mmprolong.settings.knobs import Model, Optimizer, Source
from mmprolong.synthesis.stamps import write_stamped
from mmprolong.training.loop import Loop
from mmprolong.training.objectives import next_token
from mmprolong.training.stream import Stream


class Thumbnails:
    """Blank stamped pages."""

    def size(self, image: Image) -> tuple[int, int]:
        return 56, 56

    def __call__(self, image: Image) -> np.ndarray:
        return stamps.draw(np.full((56, 56), 255, np.uint8), image.stamp, image.page)


IMAGES = Thumbnails()


def write_material(folder: Path) -> Path:
    """`instances.jsonl` and `packs.jsonl` of about ten updates of two packs."""
    proxy = find("proxy")
    pool = [Document(id="d", source="d.pdf", page_sizes=((595.0, 842.0),) * 9)]
    source = Source(tasks=["ocr_full", "extract_single"], documents=60, pages=[[1, 3]])
    counter = lambda messages: count(proxy, messages, IMAGES.size)  # noqa: E731
    write_jsonl(folder / "instances.jsonl", write_stamped(pool, source, "proxy", counter))
    instances = read_jsonl(folder / "instances.jsonl", Instance)
    entries = [Entry(each.id, each.task, each.tokens, each.pages, each.document) for each in instances]
    write_jsonl(folder / "packs.jsonl", pack(entries, 128, 0))
    return folder


class Slow(RunLog):
    """A log that takes its time, so that there is an update to be killed in."""

    pause = 0.0

    def metrics(self, values, step: int) -> None:
        super().metrics(values, step)
        time.sleep(self.pause)


def main(material: str, folder: str, pause: str) -> None:
    torch.set_num_threads(1)
    Slow.pause = float(pause)
    stream = Stream(Path(material), [Path(material)], find("proxy"), IMAGES, 256, 128)  # pyright: ignore[reportArgumentType]
    model = find("proxy").build(Model())
    log = Slow(Path(folder))
    Loop(model, next_token.loss, stream, Optimizer(peak=1e-3), Model().window, Path(folder), log).run(0.0)
    save_file(dict(model.named_parameters()), Path(folder) / "final.safetensors")


if __name__ == "__main__":
    main(*sys.argv[1:])

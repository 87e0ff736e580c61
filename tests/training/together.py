"""Train tiny models on packs that are hard to share: `together FOLDER [[PROCESSES, {NAME: SETTINGS}]]`.

The processes are forks of one that has imported torch and DeepSpeed, which takes longer than the training.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.multiprocessing import start_processes

from mmprolong import plugins
from mmprolong.conversations import Image, Pages
from mmprolong.errors import DataError
from mmprolong.models.backbone import encode, find
from mmprolong.records import Example, Pack
from mmprolong.runtime.run_log import RunLog
from mmprolong.runtime.work import World
from mmprolong.settings.knobs import Optimizer, Rope
from mmprolong.training.engines.deepspeed import prepare
from mmprolong.training.layout import Layout, join
from mmprolong.training.loop import Loop
from mmprolong.training.objectives.next_token import NextToken
from mmprolong.training.stream import Encoder, Stream
from tests.models.tiny import SMALL, Drawn, answered, asked, load_spread

CAPACITY = 256
TEXT = (asked("count A : " * 6), answered("1 2 3"))
ONE = (asked("find C", Image("pdf:112x84", 3)), answered("8"))
SHOWN = asked("find A", Pages("pdf:56x56", 0, 4), Image("pdf:84x112", 7))
LONG = (SHOWN, answered("7"), asked("list A"), answered("3 5"))
PACKS = (
    *((LONG, ONE), (TEXT, TEXT), (ONE,), (LONG, TEXT, LONG)),
    *((TEXT,), (ONE, LONG), (LONG, LONG, ONE), (LONG,)),
    (TEXT, TEXT),
)
"""Up to four packs an update: pages that lie across stretches, packs and an update without any, unequal lengths, one
pack for all replicas."""


def stream(kind: str, path: str, layout: Layout) -> Stream:
    """The packs, for one process of a layout."""
    backbone, images = find(kind, path), Drawn(grey=kind == "proxy")
    examples, packs = {}, []
    for number, conversations in enumerate(PACKS):
        lengths = []
        for place, conversation in enumerate(conversations):
            name = f"{number}-{place}"
            examples[name] = Example(id=name, task="t", cluster="c", sources=(), conversations={"answer": conversation})
            found = encode(backbone, conversation, images, SMALL)
            lengths.append((name, len(found), int(found.supervised.sum())))
        names, tokens, supervised = zip(*lengths, strict=True)
        packs.append(Pack(id=number, examples=names, lengths=tokens, supervised=supervised))
    encoder = Encoder(examples, backbone, lambda: images, SMALL, layout.shard)
    return Stream(packs, encoder, 4 * CAPACITY, CAPACITY, layout)


def train(folder: Path, kind: str, engine: Any, stop: bool = False, dtype: str = "float32", **optimizer: Any) -> None:
    """Train in this process, with others; rank 0 leaves `rank-0/log.jsonl` and `model/` in the folder.

    Args:
        stop: leave a snapshot of the first update instead.
    """
    rank, size = (int(os.environ.get(name, default)) for name, default in (("RANK", "0"), ("WORLD_SIZE", "1")))
    own = folder / f"rank-{rank}"
    own.mkdir(parents=True, exist_ok=True)
    path = "" if kind == "proxy" else str(Path(os.environ["MODELS"]) / kind)
    _, network = load_spread(kind, path)
    for parameter in network.module.parameters():  # not the buffers, as a model is loaded
        parameter.data = parameter.data.to(getattr(torch, dtype))
    choice = plugins.make("mmprolong.training.engines", engine, "engine")
    layout = choice.join(World(rank, size))
    settings = Optimizer(**{"peak_lr": 3e-4, "warmup_ratio": 0.0, "final_lr_ratio": 1.0, **optimizer})
    updates, log = stream(kind, path, layout), RunLog(own)
    started = choice.start(network, settings, layout)
    network.set_rope(Rope())  # raises where an engine has rounded the frequencies
    loop = Loop(started, NextToken(), updates, settings, 64, folder / "snapshots", log, layout)
    if stop:
        log.metrics(loop.update(0), 1)
        started.save(loop.snapshots, loop.state)
    else:
        loop.run(1e9)
        started.export(folder / "model")


def disagree(folder: Path) -> None:
    """Leave what this process is told where each has found another update."""
    layout = join(World(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])))
    try:
        layout.agree("updates of the newest checkpoint", 7 + layout.rank)
    except DataError as error:
        (folder / f"told-{layout.rank}-of-{layout.size}").write_text(str(error))


def work(rank: int, size: int, folder: Path, runs: dict[str, Any]) -> None:
    """Be one process of all runs."""
    if size > 1:
        os.environ.update(RANK=str(rank), WORLD_SIZE=str(size))
        dist.init_process_group("gloo", init_method=f"file://{folder}/meet-{size}", rank=rank, world_size=size)
    for name, settings in runs.items():
        train(folder / name, **settings)
    if size > 1:
        disagree(folder)


if __name__ == "__main__":
    torch.set_num_threads(1)
    prepare()
    for size, runs in json.loads(sys.argv[2]):
        start_processes(work, (size, Path(sys.argv[1]), runs), size, start_method="fork")

"""Updates of two packs of small documents for the proxy, a loop over them, and a process that may be killed in it."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from mmprolong.conversations import Pages
from mmprolong.models.backbone import encode, find
from mmprolong.models.encoding import Encoded
from mmprolong.models.network import Batch, Network, collate
from mmprolong.records import Measured
from mmprolong.runtime.run_log import RunLog, never
from mmprolong.settings.knobs import Model, Optimizer, View
from mmprolong.training.engines.single import Single, SingleDevice
from mmprolong.training.layout import Layout
from mmprolong.training.loop import Loop
from mmprolong.training.objectives.next_token import NextToken
from tests.models.tiny import Drawn, answered, asked

PROXY = find("proxy")
IMAGES = Drawn(grey=True)
OPTIMIZER = Optimizer(peak_lr=1e-3)
NATIVE_CONTEXT = 64
UPDATES, PACKS, CONVERSATIONS = 10, 2, 6


class Material:
    """Conversations about one to three pages, the same in every process."""

    def __init__(self, updates: int = UPDATES) -> None:
        self._updates = updates
        self._packs: dict[tuple[int, int], list[tuple[str, Encoded]]] = {
            (update, pack): [_conversation(np.random.default_rng([update, pack, n])) for n in range(CONVERSATIONS)]
            for update in range(updates)
            for pack in range(PACKS)
        }
        self.tokens = sum(each.tokens for update in range(updates) for each in self.conversations(update))

    def __len__(self) -> int:
        return self._updates

    def conversations(self, update: int) -> list[Measured]:
        return [
            Measured(
                example=f"{update}-{pack}-{number}",
                conversation="answer",
                task=task,
                cluster=f"{update}",
                length="1x",
                tokens=len(encoded),
                supervised=int(encoded.supervised.sum()),
                images=len(encoded.images),
            )
            for pack in range(PACKS)
            for number, (task, encoded) in enumerate(self._packs[update, pack])
        ]

    def packs(self, update: int) -> list[int]:
        return [PACKS * update + pack for pack in range(PACKS)]

    def turns(self, update: int) -> range:
        return range(PACKS)

    def flops(self, update: int) -> float:
        return 1.0

    def idle(self, update: int) -> float:
        return 0.0

    def batches(self, update: int) -> Iterator[Batch]:
        for pack in range(PACKS):
            yield collate([encoded for _, encoded in self._packs[update, pack]], PROXY, IMAGES)


def _conversation(rng: np.random.Generator) -> tuple[str, Encoded]:
    first, pages = int(rng.integers(100)), int(rng.integers(1, 4))
    facts = [f"{key} {rng.integers(10)}" for key in "ABC"[:pages]]
    shown = Pages("pdf:56x56", first, first + pages - 1)
    if rng.integers(2):
        task, conversation = "ocr_full", (asked("read :", shown), answered(" ".join(facts)))
    else:
        task, conversation = "extract_single", (asked("find A", shown), answered(facts[0][2:]))
    return task, encode(PROXY, conversation, IMAGES, View())


MATERIAL = Material()


class Slow(RunLog):
    """A log that takes its time, so that there is an update to be killed in."""

    pause = 0.0

    def metrics(self, values, step: int) -> None:
        super().metrics(values, step)
        time.sleep(self.pause)


def engine(optimizer: Optimizer = OPTIMIZER, dtype: str = "float32") -> SingleDevice:
    torch.set_num_threads(1)
    network = PROXY.load(Model())
    network.module.to(getattr(torch, dtype))
    return Single().start(network, optimizer, Layout())


def loop(folder: Path, stopping: Callable[[], bool] = never, keep: int = 1) -> Loop:
    log = RunLog(folder, stopping=stopping)
    return Loop(engine(), NextToken(), MATERIAL, OPTIMIZER, NATIVE_CONTEXT, folder / "snapshots", log, keep=keep)


def weights_of(network: Network) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in network.module.named_parameters()}


def network_of(one: Loop) -> Network:
    assert isinstance(one.engine, SingleDevice)
    return one.engine.network


def lines_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def main(folder: str, pause: str) -> None:
    Slow.pause = float(pause)
    one, log = engine(), Slow(Path(folder))
    Loop(one, NextToken(), MATERIAL, OPTIMIZER, NATIVE_CONTEXT, Path(folder) / "snapshots", log).run(0.0)
    save_file(dict(one.network.module.named_parameters()), Path(folder) / "final.safetensors")


if __name__ == "__main__":
    main(*sys.argv[1:])

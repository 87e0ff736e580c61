"""From packs to updates, in the order of the packs, and the share of one of the processes that train."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmprolong.conversations import image_count
from mmprolong.errors import DataError, MMProLongError
from mmprolong.images.sources import Images
from mmprolong.models.backbone import Backbone, encode
from mmprolong.models.network import Shard, blank, collate
from mmprolong.records import Example, Measured, Pack
from mmprolong.settings.knobs import View
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.lines_by_key import LinesByKey, hash_of
from mmprolong.training.footprint import LOGITS
from mmprolong.training.layout import Layout
from mmprolong.training.timing import deal

if TYPE_CHECKING:
    from mmprolong.models.network import Batch


@dataclass(frozen=True, slots=True)
class MicroStep:
    """Work of one process between two exchanges with the others."""

    pack: Pack | None
    """None: no pack is left for it; it computes on a blank one, so that the others need not wait."""
    pieces: int = 1
    """Pieces in which all processes compute logits."""


@dataclass
class Encoder:
    """Packs as tensors, in this process or in another that works for it.

    Args:
        examples: by id.
        open_images: opens what draws the pages.
        shard: the stretch of every pack that is wanted.
    """

    examples: Mapping[str, Example]
    backbone: Backbone
    open_images: Callable[[], Images]
    view: View
    shard: Shard

    @cached_property
    def images(self) -> Images:
        """Draws the pages."""
        return self.open_images()

    def __getitem__(self, turn: MicroStep) -> "Batch":
        """Return the batch of a turn.

        Raises:
            DataError: an example is not as long as it was measured, or a page is missing.
        """
        documents = [blank(self.shard.count, self.backbone)]
        if turn.pack is not None:
            lengths = zip(turn.pack.examples, turn.pack.lengths, turn.pack.supervised, strict=True)
            documents = [self._encoded(*each) for each in lengths]
        return collate(documents, self.backbone, self.images, self.shard, turn.pieces)

    def _encoded(self, name: str, tokens: int, supervised: int):
        conversation = self.examples[name].conversations["answer"]
        document = encode(self.backbone, conversation, self.images, self.view)
        found = [len(document.ids), int(document.supervised.sum())]
        if found != [tokens, supervised]:
            measured = [tokens, supervised]
            raise DataError(f"{name}: [tokens, supervised] is {found}, measured {measured}; run the measurement again")
        return document


class Stream:
    """The updates of one phase, in order, and this process's batches of them.

    Args:
        packs: in the order in which they are trained on.
        tokens_per_update: how much an update takes; whole packs, at least one.
        capacity: of a pack [tokens].
        cost: of a pack [FLOP]. Packs that are worked on at the same time cost about the same.
        workers: processes that draw and encode ahead; 0: a thread of this one.
    """

    def __init__(
        self,
        packs: Sequence[Pack],
        encoder: Encoder,
        tokens_per_update: int,
        capacity: int,
        layout: Layout = Layout(),  # noqa: B008
        cost: Callable[[Pack], float] = lambda pack: pack.tokens,
        workers: int = 0,
    ) -> None:
        size = max(1, tokens_per_update // capacity)
        self._updates = [packs[start : start + size] for start in range(0, len(packs), size)]
        self.tokens = sum(pack.tokens for pack in packs)
        self._encoder = encoder
        self._layout = layout
        self._cost = cache(cost)
        self._workers = workers
        self._ahead: Iterator[Batch | MMProLongError] = iter(())
        self._next = -1

    def __len__(self) -> int:
        return len(self._updates)

    def conversations(self, update: int) -> list[Measured]:
        """Return the measured examples of one update."""
        return [
            _measured(self._encoder.examples[name], tokens, supervised)
            for pack in self._updates[update]
            for name, tokens, supervised in zip(pack.examples, pack.lengths, pack.supervised, strict=True)
        ]

    def packs(self, update: int) -> list[int]:
        """Return the ids of the packs of an update."""
        return [pack.id for pack in self._updates[update]]

    def rounds(self, update: int) -> list[list[Pack]]:
        """Return the packs that the replicas work on at the same time, round after round."""
        packs, replicas = self._updates[update], self._layout.replicas
        if replicas == 1:
            return [[pack] for pack in packs]
        return [[packs[place] for place in places] for places in deal([self._cost(pack) for pack in packs], replicas)]

    def flops(self, update: int) -> float:
        """Return the cost of the packs of an update."""
        return sum(map(self._cost, self._updates[update]))

    def idle(self, update: int) -> float:
        """Return the share of the update in which replicas wait for one that has a dearer pack."""
        costs = [[self._cost(pack) for pack in together] for together in self.rounds(update)]
        return 1 - sum(map(sum, costs)) / (self._layout.replicas * sum(map(max, costs)))

    def turns(self, update: int) -> list[MicroStep]:
        """Return the turns of this process in an update; all processes have equally many."""
        turns = []
        for together in self.rounds(update):
            own = together[self._layout.replica] if self._layout.replica < len(together) else None
            most = max(sum(pack.supervised) for pack in together)
            turns.append(MicroStep(own, max(1, -(-most // LOGITS))))
        return turns

    def batches(self, update: int) -> Iterator["Batch"]:
        """Yield this process's batches of an update; those of the next ones are made meanwhile.

        Raises:
            DataError: an example is not as long as it was measured, or a page is missing.
        """
        if self._next != update:
            ahead = partial(_made_ahead, workers=self._workers) if self._workers else _one_ahead
            self._ahead = ahead(self._encoder, self._turns_from(update))
        self._next = update + 1
        for _ in self.turns(update):
            try:
                batch = next(self._ahead)
            except Exception as error:
                if self._workers:
                    error.__traceback__ = None  # torch's frames in it would keep the processes
                raise
            if isinstance(batch, MMProLongError):
                raise batch
            yield batch

    def close(self) -> None:
        """End the processes that make batches; they ignore requests to stop, so this one would wait for them."""
        self._ahead = iter(())

    def _turns_from(self, update: int) -> list[MicroStep]:
        return [turn for each in range(update, len(self)) for turn in self.turns(each)]


@dataclass(frozen=True, slots=True)
class _Told:
    """An encoder whose errors are returned: torch would hand on their traceback in place of their words."""

    encoder: Encoder

    def __getitem__(self, turn: MicroStep) -> "Batch | MMProLongError":
        try:
            return self.encoder[turn]
        except MMProLongError as error:
            return error


def _one_ahead(encoder: Encoder, turns: Sequence[MicroStep]) -> Iterator["Batch"]:
    """Yield batches in order; a thread makes the next one while the device computes."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(encoder.__getitem__, turns[0])
        for turn in turns[1:]:
            batch, following = following.result(), thread.submit(encoder.__getitem__, turn)
            yield batch
        yield following.result()


def _made_ahead(encoder: Encoder, turns: Sequence[MicroStep], workers: int) -> Iterator["Batch | MMProLongError"]:
    """Yield batches that other processes have made ahead, in order, or why one of them cannot be made."""
    import torch
    from torch.utils.data import DataLoader

    loader = DataLoader(
        _Told(encoder),  # pyright: ignore[reportArgumentType]
        batch_size=None,
        sampler=turns,  # pyright: ignore[reportArgumentType]
        num_workers=workers,
        collate_fn=_unchanged,  # pyright: ignore[reportArgumentType]
        multiprocessing_context="spawn",
        worker_init_fn=_start_worker,
        pin_memory=torch.cuda.is_available(),
    )
    return iter(loader)


def _unchanged(batch: "Batch | MMProLongError") -> "Batch | MMProLongError":
    return batch


def _start_worker(_: int) -> None:
    """Leave a request to stop to the training process, whose end ends this one."""
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(each, signal.SIG_IGN)


class StoredExamples(Mapping[str, Example]):
    """The examples of packs by their ids; each is read when it is asked for.

    Args:
        sources: synthesis steps that hold them, by name.

    Raises:
        DataError: one is in no source, or is another in two.
    """

    def __init__(self, packs: Sequence[Pack], sources: Mapping[str, Path]) -> None:
        self._files = [LinesByKey(folder / "examples.jsonl", Example) for folder in sources.values()]
        hashes, held = np.unique(np.concatenate([file.hashes() for file in self._files]), return_counts=True)
        wanted = [name for pack in packs for name in pack.examples]
        sure = np.isin(hash_of(wanted), hashes[held == 1])
        for place in np.flatnonzero(~sure):
            self._check(wanted[place], list(sources))

    def __getitem__(self, name: str) -> Example:
        for file in self._files:
            if lines := file.lines(name):
                return lines[0]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (one.id for file in self._files for one in read_jsonl(file.path, Example))

    def __len__(self) -> int:
        return sum(map(len, self._files))

    def _check(self, name: str, sources: Sequence[str]) -> None:
        held = [
            (source, file.lines(name)[0]) for source, file in zip(sources, self._files, strict=True) if name in file
        ]
        if not held:
            raise DataError(f"packs.jsonl: example {name!r} is in no source ({', '.join(sources)})")
        for source, example in held[1:]:
            if example != held[0][1]:
                raise DataError(f"sources.{source}: example {name!r} is another in an earlier source; change seed")


def _measured(example: Example, tokens: int, supervised: int) -> Measured:
    return Measured(
        example=example.id,
        conversation="answer",
        task=example.task,
        cluster=example.cluster,
        length=example.length,
        tokens=tokens,
        supervised=supervised,
        images=image_count(example.conversations["answer"]),
    )

"""Time, memory and disk of a training step before it runs, and whether it fits."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import fmean
from typing import Self

from mmprolong.models.flops import Flops, model_flops, page_grids, trained
from mmprolong.models.odometer import a4_grid, a4_tokens
from mmprolong.models.shapes import Shape
from mmprolong.records import Measured, Pack
from mmprolong.settings.execution import Hardware, Job
from mmprolong.settings.knobs import View
from mmprolong.settings.stages import TrainingSettings
from mmprolong.training.footprint import GIB, Seen, checkpoint_disk, checkpoint_size, device_memory, host_memory
from mmprolong.training.parallelism import Parallelism, possible_sequences
from mmprolong.training.timing import Update, pack_flops, pack_seconds, step_seconds, update_time

SUPERVISED = 0.01
"""Share of the tokens that carry loss, until they are counted."""
FULL = "a full pack"
_HEAVIEST = 16
"""Packs with the most tokens, and with the most images, whose memory is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packs:
    """Packs by name, each as the conversations in it."""

    packs: Mapping[str, Sequence[Seen]]
    known_from: str
    times: float = 1.0
    """As many packs as these, so many times, are what is trained on."""

    @classmethod
    def drawn(cls, packs: Iterable[Pack], measured: Mapping[str, Measured], shape: Shape) -> Self:
        """Return the packs of a finished mixture; of pages, number and tokens are known.

        Args:
            measured: its examples by id.
        """
        found = {
            f"pack {each.id}": [
                Seen(tokens, learned, tuple(page_grids(shape, tokens - learned, measured[example].images)))
                for example, tokens, learned in zip(each.examples, each.lengths, each.supervised, strict=True)
            ]
            for each in packs
        }
        return cls(packs=found, known_from="drawn packs")

    @classmethod
    def nominal(cls, lengths: Sequence[Sequence[int]], tokens: int, view: View, shape: Shape) -> Self:
        """Return packs of conversations of these lengths [tokens], which stand for a mixture of so many tokens."""
        packs = {f"pack {at}": [full_of_pages(each, view, shape) for each in pack] for at, pack in enumerate(lengths)}
        return cls(packs=packs, known_from="nominal lengths", times=tokens / sum(map(sum, lengths)))

    def joined(self) -> dict[str, Seen]:
        """Return each pack as one."""
        return {name: _joined(pack) for name, pack in self.packs.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """Of a whole training step."""

    packs: int
    updates: int
    tokens: int
    flops: Flops
    """As they are done: forward, backward, recomputed."""
    utilisation: float
    """Model FLOPs as a share of what all devices could do at their peak (MFU)."""
    update: Update
    """Mean of all updates."""

    @property
    def seconds(self) -> float:
        """Of all updates."""
        return self.updates * self.update.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """At the heaviest pack."""

    pack: str
    """Its name."""
    seen: Seen
    device: Mapping[str, float]
    """Peak of one device, by part [bytes]."""
    node: float
    """States and activations in the memory of a node [bytes]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """One training step before it runs."""

    settings: TrainingSettings
    shape: Shape
    parallel: Parallelism
    job: Job
    hardware: Hardware
    packs: Packs

    @property
    def frozen(self) -> list[str]:
        """Parts that are not trained."""
        return list(self.settings.optimizer.frozen)

    def assumed(self) -> Iterator[str]:
        """Yield what the numbers stand on, a line each."""
        shape, hardware, job = self.shape, self.hardware, self.job
        yield f"{shape.name}: {shape.total:,} parameters ({shape.source})"
        devices = f"{job.nodes} x {self.parallel.ranks_per_node} " if self.parallel.ranks > 1 else ""
        yield f"{devices}{hardware.name}: {self.parallel}"
        shares = f"products sustain {hardware.products:.0%} of it, attention {hardware.attention:.0%}"
        yield f"{hardware.name}: {hardware.peak:g} TFLOP/s; {shares}"
        yield f"lengths: {self.packs.known_from}"

    def device_hours(self, time: Time) -> float:
        """Return the hours of GPUs or, without any, of nodes."""
        return time.seconds / 3600 * self.job.nodes * max(self.job.gpus, 1)

    def time(self) -> Time:
        """Return what all updates take."""
        once = {name: pack_flops(self.shape, pack) for name, pack in self.packs.packs.items()}
        joined, times = self.packs.joined(), self.packs.times
        known = self.shape, self.parallel, self.hardware
        seconds = [
            pack_seconds(known[0], once[name], joined[name], *known[1:], self.frozen) for name in self.packs.packs
        ]
        size = max(1, self.settings.optimizer.tokens_per_update // self.settings.sequence_length)
        step = step_seconds(*known, self.frozen)
        whole = len(seconds) // size * size or len(seconds)  # of a few that stand for many, the last is not full
        ends = whole if times > 1 else len(seconds)
        updates = [update_time(seconds[at : at + size], self.parallel.data, step) for at in range(0, ends, size)]
        mean = Update(fmean(each.seconds for each in updates), fmean(each.idle for each in updates))
        count = max(1, -(-round(len(seconds) * times) // size))
        total = sum(once.values(), Flops()) * times
        capacity = mean.seconds * count * self.parallel.ranks * self.hardware.peak * 1e12
        return Time(
            packs=round(len(seconds) * times),
            updates=count,
            tokens=round(sum(each.tokens for each in joined.values()) * times),
            flops=trained(total, self.frozen, self.parallel.recompute),
            utilisation=model_flops(total) / capacity,
            update=mean,
        )

    def memory(self) -> Memory:
        """Return the peak of memory."""
        found = self.packs.joined()
        if self.packs.times > 1:  # of many packs that are not drawn yet, some will be full
            found = {FULL: full_of_pages(self.settings.sequence_length, self.settings.view, self.shape)}
        candidates = dict.fromkeys(
            name
            for size in (lambda name: found[name].tokens, lambda name: len(found[name].images))
            for name in sorted(found, key=size, reverse=True)[:_HEAVIEST]
        )
        needed = {name: self._device(found[name]) for name in candidates}
        heaviest = max(needed, key=lambda name: sum(needed[name].values()))
        node = host_memory(self.shape, self.parallel, found[heaviest], self.frozen) * self.parallel.ranks_per_node
        return Memory(pack=heaviest, seen=found[heaviest], device=needed[heaviest], node=node)

    def disk(self) -> float:
        """Return the peak of the disk that checkpoints and the model take [bytes]."""
        training = self.settings.training
        limit = training.checkpoint_gb * 1e9 or math.inf
        return checkpoint_disk(self.shape, self.frozen, training.checkpoints, self._full, limit)

    def problems(self, memory: Memory) -> Iterator[str]:
        """Yield what does not fit."""
        device, has = sum(memory.device.values()) / GIB, self.hardware.memory
        pack = f"{memory.pack} ({memory.seen.tokens:,} tokens, {len(memory.seen.images)} images)"
        if has and device > has:
            takes = f"{pack} takes {device:.1f} GiB of each {self.hardware.name}, which has {has:g}"
            yield f"{takes}; {self._remedy(memory.seen)}"
        if self.job.memory and memory.node > self.job.memory * 1e9:
            yield f"{pack} offloads {memory.node / 1e9:.0f} GB to each node, which gives {self.job.memory:g}"
        limit, checkpoint = self.settings.training.checkpoint_gb, checkpoint_size(self.shape, self.frozen) / 1e9
        if 0 < limit < 2 * checkpoint:
            takes = f"one takes {checkpoint:.1f} GB, and stays until the next is written"
            yield f"training.checkpoint_gb: {limit:g}; {takes}: give {math.ceil(2 * checkpoint)} or more"

    def _remedy(self, pack: Seen) -> str:
        """Return the first choice on the same ranks that fits, by what is changed."""
        legal = possible_sequences(self.shape.text, self.parallel.ranks) if self.parallel.zero else []
        larger = [ranks for ranks in legal if ranks >= self.parallel.sequence]
        for offloaded, ranks, zero in product(
            (self.parallel.offload_activations, True), larger, (self.parallel.zero, 3)
        ):
            other = replace(self.parallel, sequence=ranks, zero=zero, offload_activations=offloaded)
            needed = sum(replace(self, parallel=other)._device(pack).values()) / GIB
            if needed <= self.hardware.memory:
                changed = {
                    f"{name}={str(value).lower()}"
                    for name in ("sequence", "zero", "offload_activations")
                    if (value := getattr(other, name)) != getattr(self.parallel, name)
                }
                return f"{needed:.1f} with training.engine: {', '.join(sorted(changed))}"
        return "no parallel on these ranks fits: ask for more ranks (engine deepspeed), or lower the sequence length"

    @property
    def _full(self) -> bool:
        return self.settings.model.dtype == "float32"

    def _device(self, pack: Seen) -> dict[str, float]:
        found = device_memory(self.shape, self.parallel, pack, self.frozen, self._full)
        return found if self.hardware.memory else found | {"reserve": 0.0}  # a CPU has no context of CUDA


def full_of_pages(tokens: int, view: View, shape: Shape) -> Seen:
    """Return a conversation that is all pages but for what it learns."""
    learned, page = max(1, round(tokens * SUPERVISED)), a4_tokens(view, shape)
    return Seen(tokens, learned, (a4_grid(view, shape),) * (round((tokens - learned) / page) if page else 0))


def _joined(pack: Sequence[Seen]) -> Seen:
    return Seen(
        sum(each.tokens for each in pack),
        sum(each.supervised for each in pack),
        tuple(image for each in pack for image in each.images),
    )

"""Time, memory and disk of training steps before they run, and whether they fit."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from statistics import fmean

from mmprolong.models.flops import Flops, model_flops, trained
from mmprolong.models.shapes import Shape, find_shape, shape_of
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.run import settings_of
from mmprolong.settings.execution import Cluster, Job
from mmprolong.settings.hardware import Hardware
from mmprolong.settings.stages import TrainingSettings
from mmprolong.store.store import Store
from mmprolong.sweep.expected_packs import FULL, Packs, full_pack, packs_of
from mmprolong.sweep.resources import job_of
from mmprolong.training.footprint import GIB, Seen, checkpoint_disk, checkpoint_size, device_memory, host_memory
from mmprolong.training.parallelism import Parallelism, parallelism_of, possible_sequences
from mmprolong.training.timing import Update, pack_flops, pack_seconds, step_seconds, update_time

_HEAVIEST = 16
"""Packs with the most tokens, and with the most images, whose memory is computed."""


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
            found = {FULL: full_pack(self.settings, self.shape)}
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


def preflight(plan: Plan, name: str, cluster: Cluster, store: Store | None = None) -> Preflight:
    """Return the training step `name` as it will run.

    Args:
        store: where its mixture is looked for; none: lengths are nominal.

    Raises:
        ConfigError: the sizes of the model are not known, or the parallel is not possible.
    """
    step = plan.steps[name]
    settings: TrainingSettings = settings_of(step)
    shape, job = shape_of(settings.model), job_of(cluster, step)
    return Preflight(
        settings=settings,
        shape=shape,
        parallel=parallelism_of(settings.training.engine, job, shape),
        job=job,
        hardware=cluster.hardware,
        packs=packs_of(plan, step, shape, store),
    )


def nominal_seconds(plan: Plan, name: str, cluster: Cluster) -> float | None:
    """Return the time of a training step by its settings alone [s].

    None where GPUs are asked for but not described, or the sizes of the model are not known here.

    Raises:
        ConfigError: the ranks cannot share packs as they are to.
    """
    step = plan.steps[name]
    job = job_of(cluster, step)
    if job.gpus and not cluster.hardware.memory:
        return None
    path = settings_of(step).model.path
    if path and not find_shape(path):
        return None
    arm, *_, role = step.label.rsplit("/", 2)
    alike = (arm, role) if role else (name,)
    return _nominal_seconds(_Asked(alike, repr((cluster.hardware, job)), name, plan, cluster))


@dataclass(frozen=True)
class _Asked:
    """A step and what it runs on: the seeds of an arm take the same time, and views ask again and again."""

    alike: tuple[str, ...]
    place: str
    name: str = field(compare=False)
    plan: Plan = field(compare=False)
    cluster: Cluster = field(compare=False)


@cache
def _nominal_seconds(asked: _Asked) -> float:
    return preflight(asked.plan, asked.name, asked.cluster).time().seconds

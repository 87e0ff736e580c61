"""The processes that train together: replicas of the model, each one process or several that share a pack."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from mmprolong.errors import ConfigError, DataError
from mmprolong.models.network import Shard
from mmprolong.models.sequence import SequenceGroup
from mmprolong.runtime.work import World


@dataclass(frozen=True, slots=True)
class Layout:
    """Place of this process among all. The processes that share a pack are neighbours."""

    rank: int = 0
    size: int = 1
    group: SequenceGroup | None = None
    """Those that share a pack with this one; none: it has packs of its own."""

    @property
    def shard(self) -> Shard:
        """The stretch of each pack that this process works on."""
        return Shard(self.group.rank, self.group.size) if self.group else Shard()

    @property
    def replicas(self) -> int:
        """Number of replicas."""
        return self.size // self.shard.count

    @property
    def replica(self) -> int:
        """Which of them this process belongs to."""
        return self.rank // self.shard.count

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is true on any process."""
        return self.total({"": float(flag)})[""] > 0

    def total(self, values: Mapping[str, float]) -> dict[str, float]:
        """Add up values of the same names over all processes."""
        if self.size == 1:
            return dict(values)
        tensor = torch.tensor(list(values.values()), dtype=torch.float64, device=_device())
        dist.all_reduce(tensor)
        return dict(zip(values, tensor.tolist(), strict=True))

    def agree(self, what: str, value: int) -> None:
        """Check that a number is the same on all processes.

        Raises:
            DataError: it is not.
        """
        if self.size > 1:
            found = [torch.zeros((), dtype=torch.int64, device=_device()) for _ in range(self.size)]
            dist.all_gather(found, torch.tensor(value, device=_device()))
            numbers = [int(each) for each in found]
            if len(set(numbers)) > 1:
                raise DataError(f"{what}: {numbers} on ranks 0 to {self.size - 1}; do all nodes see the same store?")

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            dist.barrier()

    def leave(self) -> None:
        """End the connections, once all processes are here."""
        if dist.is_initialized():
            dist.barrier()
            dist.destroy_process_group()


def join(world: World, sequence: int = 1, timeout: float = 1800.0) -> Layout:
    """Connect the processes of a step; on a machine with GPUs each takes its own.

    Args:
        sequence: processes that share a pack.
        timeout: longest wait for another process [s].

    Raises:
        ConfigError: they cannot be divided so.
    """
    if world.size % sequence:
        raise ConfigError(
            f"training.engine.sequence: {sequence} processes share a pack, which does not divide {world.size} processes"
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if not dist.is_initialized():
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        alone = {"store": dist.HashStore(), "rank": 0, "world_size": 1} if world.size == 1 else {}  # pyright: ignore[reportPrivateImportUsage]
        dist.init_process_group(backend, timeout=timedelta(seconds=timeout), **alone)
    own = None
    for first in range(0, world.size, sequence if sequence > 1 else world.size):
        group = dist.new_group(list(range(first, first + sequence))) if sequence > 1 else None
        if first <= world.rank < first + sequence:
            own = SequenceGroup(world.rank - first, sequence, group) if group else None
    return Layout(world.rank, world.size, own)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"

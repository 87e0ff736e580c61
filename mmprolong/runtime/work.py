"""Folders, log and processes that a stage gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmprolong.runtime.run_log import RunLog


@dataclass(frozen=True, slots=True)
class World:
    """Collective processes that run one step together; the one of rank 0 owns its lease, log and record.

    They are asked to stop one by one, so a stage lets all of them stop where `log.stopping()` is true on any. It ends
    on rank 0 after it has ended on the others.
    """

    rank: int = 0
    size: int = 1
    start: str = ""
    """Name of the start that they are of; another attempt has another."""


ALONE = World()
"""Of a step in one process."""


@dataclass(frozen=True, slots=True)
class Work:
    """Folders, log and processes of one running step."""

    inputs: Mapping[str, Path]
    """Folders of the finished inputs, by role."""
    out: Path
    """Folder of the results."""
    scratch: Path
    """Folder for resuming after a stop; never hashed, removed once the step is finished."""
    log: RunLog
    world: World = ALONE

    @property
    def store(self) -> Path:
        """Folder of the store, for what outlives steps."""
        return self.out.parents[1]

    def named(self, stage: str) -> dict[str, Path]:
        """Return the inputs of one stage by the rest of their role: of `synthesis.long`, `long`."""
        return {role.partition(".")[2]: path for role, path in self.inputs.items() if role.partition(".")[0] == stage}

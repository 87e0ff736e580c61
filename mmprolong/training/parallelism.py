"""How a model and its packs are spread over GPUs: ranks, ZeRO, sequence parallelism. No torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from mmprolong import plugins
from mmprolong.errors import InvalidSettings, Problem
from mmprolong.models.shapes import Shape, TextSizes
from mmprolong.settings.execution import Job

_KEY = "training.engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallelism:
    """The ranks of a training step, and what each of them holds; the options are those of the engines."""

    ranks: int = 1
    ranks_per_node: int = 1
    zero: Literal[0, 1, 2, 3] = 0
    """States split over all ranks: 1 optimizer; 2 also gradients; 3 also weights."""
    sequence: int = 1
    """Ranks that share each pack (Ulysses)."""
    offload: Literal["none", "optimizer", "weights"] = "none"
    """States held in the node's memory: the optimizer's; `weights`: also the weights."""
    recompute: bool = False
    """Only the inputs of layers are kept; the rest is computed again in the backward pass."""
    offload_activations: bool = False
    """Those inputs are kept in the node's memory; without `recompute` nothing is."""

    @property
    def inputs_offloaded(self) -> bool:
        """Inputs of layers are kept in the node's memory."""
        return self.recompute and self.offload_activations

    @property
    def data(self) -> int:
        """Ranks, or groups of ranks, that have packs of their own."""
        return self.ranks // self.sequence

    def __str__(self) -> str:
        words = [f"ZeRO {self.zero}"] if self.zero else []
        words += [f"sequence {self.sequence} x data {self.data}"] if self.ranks > 1 else []
        words += [f"{self.offload} offloaded"] if self.offload != "none" else []
        words += ["activations recomputed" if self.recompute else "activations kept"]
        return ", ".join([*words, *(["inputs of layers offloaded"] if self.inputs_offloaded else [])])


class Heads(NamedTuple):
    """Heads of attention: of queries, and of keys and values."""

    heads: int
    kv_heads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceRanks:
    """A number of ranks that might share each pack."""

    ranks: int
    data: int
    """Groups of them."""
    heads: int
    """Query heads of each rank."""
    kv_heads: int
    """Heads of keys and values of each rank."""
    copies: int
    """Ranks that have the same head of keys and values; 1: none is replicated."""
    refused: str = ""
    """Why it is not possible; empty: it is."""

    def cells(self) -> tuple[object, ...]:
        """Return ranks, groups, heads, heads of keys and values and whether it is possible, for a table."""
        copied = "" if self.copies == 1 else f", each on {self.copies} ranks"
        held = (self.data, f"{self.heads}", f"{self.kv_heads}{copied}")
        return self.ranks, *(("-",) * 3 if self.refused else held), self.refused or "yes"


def parallelism_of(engine: plugins.Choice, job: Job, shape: Shape) -> Parallelism:
    """Return what `training.engine` and `cluster.jobs.training` ask for.

    Raises:
        InvalidSettings: an option is of the wrong type; or the ranks cannot share packs like this.
    """
    name, options = plugins.split(engine)
    per_node = job.ranks or max(job.gpus, 1)
    ranks = 1 if name == "single" else job.nodes * per_node
    asked = {"zero": 0 if name == "single" else 2, **options, "ranks": ranks, "ranks_per_node": min(ranks, per_node)}
    try:
        parallel = msgspec.convert(asked, type=Parallelism)
    except msgspec.ValidationError as error:
        raise InvalidSettings(Problem(_KEY, f"{options}; {error}")) from error
    refused = sequence_ranks(shape.text, ranks, parallel.sequence).refused
    if refused:
        legal = ", ".join(map(str, possible_sequences(shape.text, ranks)))
        raise InvalidSettings(Problem(f"{_KEY}.sequence", f"{parallel.sequence}; {refused}: choose {legal}"))
    return parallel


def sequences(text: TextSizes, gpus: int) -> Iterator[SequenceRanks]:
    """Yield every number of ranks that divides the GPUs or the heads."""
    for ranks in range(1, gpus + 1):
        if gpus % ranks == 0 or text.heads % ranks == 0:
            yield sequence_ranks(text, gpus, ranks)


def possible_sequences(text: TextSizes, gpus: int) -> list[int]:
    """Return the numbers of ranks that can share packs."""
    return [each.ranks for each in sequences(text, gpus) if not each.refused]


def sequence_ranks(text: TextSizes | Heads, gpus: int, ranks: int) -> SequenceRanks:
    """Return what each rank holds if `ranks` of them share a pack, or why they cannot.

    Heads of keys and values are dealt as those of queries are; where there are fewer than ranks, each is replicated.
    """
    problems = []
    if text.heads % ranks:
        problems.append(f"{text.heads} heads do not divide by {ranks}")
    elif text.kv_heads % ranks and ranks % text.kv_heads:
        problems.append(f"{text.kv_heads} heads of keys and values cannot be dealt to {ranks}")
    if gpus % ranks:
        problems.append(f"{gpus} GPUs do not divide by {ranks}")
    return SequenceRanks(
        ranks=ranks,
        data=gpus // ranks,
        heads=text.heads // ranks,
        kv_heads=max(1, text.kv_heads // ranks),
        copies=max(1, ranks // text.kv_heads),
        refused="; ".join(problems),
    )

"""How a model and its sequences are spread over GPUs: ranks, ZeRO, sequence parallelism. No torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from mmprolong import plugins
from mmprolong.errors import InvalidSettings, Problem
from mmprolong.models.shapes import Shape, TextSizes
from mmprolong.settings.knobs import Job

_KEY = "training.engine"
_LARGE = 1_000_000_000
"""Parameters from which the engine `single` recomputes activations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One choice of ranks and of what each of them holds."""

    ranks: int = 1
    ranks_per_node: int = 1
    sequence: int = 1
    """Ranks that share each pack (Ulysses)."""
    zero: Literal[0, 1, 2, 3] = 0
    """What is split over all ranks: 1 optimizer, 2 gradients, too, 3 weights, too."""
    offload: Literal["none", "optimizer"] = "none"
    """Held in the node's memory."""
    recompute: bool = True
    """Activations are computed again in the backward pass; only the inputs of layers are kept."""
    offload_activations: bool = False
    """Those inputs are kept in the node's memory."""

    @property
    def data(self) -> int:
        """Ranks or groups of ranks that train on packs of their own."""
        return self.ranks // self.sequence

    def __str__(self) -> str:
        words = [f"ZeRO {self.zero}"] if self.zero else []
        words += [f"sequence {self.sequence} x data {self.data}"] if self.ranks > 1 else []
        words += [f"{self.offload} offloaded"] if self.offload != "none" else []
        words += ["activations recomputed" if self.recompute else "activations kept"]
        return ", ".join([*words, *(["and offloaded"] if self.offload_activations else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A number of ranks that might share each pack."""

    ranks: int
    data: int
    """Groups of them."""
    heads: int
    """Query heads of each rank."""
    kv_heads: int
    """Heads of keys and values that each rank needs."""
    copies: int
    """Ranks that need the same head of keys and values; 1: none is replicated."""
    refused: str = ""
    """Why it is not possible; empty: it is."""


def layout_of(engine: plugins.Choice, job: Job, shape: Shape) -> Layout:
    """Return the layout that `training.engine` and `cluster.jobs.training` ask for.

    Raises:
        InvalidSettings: an option is unknown or of the wrong type; or the ranks cannot share packs like this.
    """
    name, options = plugins.split(engine)
    per_node = job.ranks or max(job.gpus, 1)
    ranks = 1 if name == "single" else job.nodes * per_node
    engine_has = {"zero": 0, "recompute": shape.total >= _LARGE} if name == "single" else {"zero": 2}
    try:
        layout = msgspec.convert(
            {**engine_has, **options, "ranks": ranks, "ranks_per_node": min(ranks, per_node)}, type=Layout
        )
    except msgspec.ValidationError as error:
        raise InvalidSettings(Problem(_KEY, f"{options}; {error}")) from error
    refused = sequence_of(shape.text, ranks, layout.sequence).refused
    if refused:
        legal = ", ".join(str(each.ranks) for each in sequences(shape, ranks) if not each.refused)
        raise InvalidSettings(Problem(f"{_KEY}.sequence", f"{layout.sequence}; {refused}: choose {legal}"))
    return layout


def sequences(shape: Shape, gpus: int) -> Iterator[Sequence]:
    """Yield every number of ranks that divides the GPUs or the heads, with the reason why it is not possible."""
    heads = shape.text.heads
    for ranks in range(1, max(gpus, 1) + 1):
        if gpus % ranks == 0 or heads % ranks == 0:
            yield sequence_of(shape.text, gpus, ranks)


def sequence_of(text: TextSizes, gpus: int, ranks: int) -> Sequence:
    """Return what each rank holds if `ranks` of them share a pack, or why they cannot."""
    problems = []
    if text.heads % ranks:
        problems.append(f"{text.heads} heads do not divide by {ranks}")
    if gpus % ranks:
        problems.append(f"{gpus} GPUs do not divide by {ranks}")
    heads, per_kv = text.heads // ranks, text.heads // text.kv_heads
    first = range(0, text.heads - heads + 1, max(heads, 1))
    needed = max((begin + heads - 1) // per_kv - begin // per_kv + 1 for begin in first) if heads else 0
    return Sequence(
        ranks=ranks,
        data=gpus // ranks,
        heads=heads,
        kv_heads=needed,
        copies=-(-needed * ranks // text.kv_heads),
        refused="; ".join(problems),
    )

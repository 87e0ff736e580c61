"""The packs of a mixture: as they were drawn, or as they will probably be before its documents are read."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmprolong.mixture.packing import pack
from mmprolong.mixture.shares import bins
from mmprolong.models.flops import Grid, page_grids
from mmprolong.models.qwen_vl.image_format import ImageFormat
from mmprolong.models.shapes import Shape
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.run import settings_of
from mmprolong.pipeline.steps import Step, stage_of
from mmprolong.records import Measured, Pack
from mmprolong.settings.knobs import Component, Source, View
from mmprolong.settings.stages import MixtureSettings, TrainingSettings
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.store.store import Store
from mmprolong.training.footprint import Seen

SUPERVISED = 0.01
"""Share of the tokens that carry loss, until they are counted."""
FULL = "a full pack"
_UPDATES = 8
"""Updates that are drawn before the mixture is; all are alike."""
_A4 = 8.27, 11.69
"""Width and height [inch]."""
_MARKS = 2
"""Tokens around an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packs:
    """Packs by name, each as the conversations in it."""

    packs: Mapping[str, Sequence[Seen]]
    known_from: str
    times: float = 1.0
    """As many packs as these, so many times, are what is trained on."""

    def joined(self) -> dict[str, Seen]:
        """Return each pack as one."""
        return {name: _joined(pack) for name, pack in self.packs.items()}


def packs_of(plan: Plan, step: Step, shape: Shape, store: Store | None) -> Packs:
    """Return the packs that a training step trains on.

    Args:
        store: where its mixture is looked for; none, or not drawn there: lengths are nominal.
    """
    mixture = plan.steps[step.inputs["mixture"]]
    if store and store.record(mixture.stage, mixture.id):
        return Packs(packs=dict(_drawn(store, mixture, shape)), known_from="drawn packs")
    settings: TrainingSettings = settings_of(step)
    drawing: MixtureSettings = settings_of(mixture)
    measured = {
        role.partition(".")[2]: name for role, name in mixture.inputs.items() if role.startswith("measurement.")
    }
    sources = {source: plan.steps[plan.steps[name].inputs["synthesis"]] for source, name in measured.items()}
    tokens = min(drawing.mixture.tokens, _UPDATES * settings.optimizer.tokens_per_update)
    written = {source: settings_of(each).source for source, each in sources.items()}
    packs = nominal_packs(drawing, written, settings.view, shape, tokens)
    found = sum(each.tokens for pack in packs for each in pack)
    named = {f"pack {number}": each for number, each in enumerate(packs)}
    return Packs(packs=named, known_from="nominal lengths", times=drawing.mixture.tokens / found)


def full_pack(settings: TrainingSettings, shape: Shape) -> Seen:
    """Return a pack of pages that is full."""
    return _seen(settings.sequence_length, page_grid(settings.view, shape), shape)


def nominal_packs(
    settings: MixtureSettings, sources: Mapping[str, Source], view: View, shape: Shape, tokens: int
) -> list[list[Seen]]:
    """Return packs of about `tokens` in all.

    Lengths are uniform within each range of the mixture, or within all where the pool decides (`pool_native`).
    """
    grid, rng = page_grid(view, shape), np.random.default_rng(settings.seed)
    lengths: list[int] = []
    parts = [part for part in settings.mixture.components.values() if part.share > 0]
    for part in parts or [Component()]:
        for low, high, share in _ranges(part, settings, sources.get(part.source), _tokens(grid, shape)):
            count = max(1, round(tokens * part.share * share / ((low + high) / 2)))
            lengths += rng.integers(low, high, count, endpoint=True).tolist()
    entries = [_entry(str(number), length) for number, length in enumerate(lengths)]
    packs = pack(entries, settings.mixture.sequence_length, settings.seed)
    return [[_seen(length, grid, shape) for length in each.lengths] for each in packs]


def page_grid(view: View, shape: Shape) -> Grid:
    """Return rows and columns of patches of a page of A4 or of a thumbnail; (0, 0) for a model that sees none."""
    if not shape.vision:
        return 0, 0
    patch, merge = shape.vision.patch, shape.vision.merge
    if view.thumbnail:
        return view.thumbnail // patch, view.thumbnail // patch
    form = ImageFormat(min_pixels=view.min_pixels, max_pixels=view.max_pixels or 2**30, patch=patch, merge=merge)
    width, height = (math.ceil(side * view.dpi) for side in _A4)
    return form.grid(width, height, view)


def _drawn(store: Store, mixture: Step, shape: Shape) -> Iterator[tuple[str, list[Seen]]]:
    """Yield the packs of a finished mixture; of pages, number and tokens are known."""
    folders = (store.root / path for role, path in mixture.needs.items() if stage_of(role) == "measurement")
    rows = (row for folder in folders for row in read_parquet(folder / "measured.parquet", Measured))
    images = {row.example: row.images for row in rows if row.conversation == "answer"}
    for each in read_jsonl(store.folder(mixture.stage, mixture.id) / "packs.jsonl", Pack):
        conversations = zip(each.examples, each.lengths, each.supervised, strict=True)
        yield f"pack {each.id}", [_measured(shape, images[name], *lengths) for name, *lengths in conversations]


def _measured(shape: Shape, images: int, tokens: int, supervised: int) -> Seen:
    return Seen(tokens, supervised, tuple(page_grids(shape, tokens - supervised, images)))


def _seen(tokens: int, grid: Grid, shape: Shape) -> Seen:
    """Return a conversation that is all pages but for what it learns."""
    learned = max(1, round(tokens * SUPERVISED))
    page = _tokens(grid, shape)
    return Seen(tokens, learned, (grid,) * (round((tokens - learned) / page) if page else 0))


def _tokens(grid: Grid, shape: Shape) -> int:
    """Return the tokens of a page, marks included; 0 for a model that sees none."""
    return grid[0] * grid[1] // shape.vision.merge**2 + _MARKS if shape.vision else 0


def _ranges(
    part: Component, settings: MixtureSettings, source: Source | None, page: int
) -> Iterator[tuple[int, int, float]]:
    """Yield shortest and longest conversation [tokens], and the share of the component's tokens."""
    capacity, edges = settings.mixture.sequence_length, part.lengths.edges
    if not edges:
        pages = [each.pages for each in source.lengths if each.pages] if source else []
        low = min((first for first, _ in pages), default=1) * page
        high = max((last for _, last in pages), default=capacity) * page
        yield min(low or capacity, capacity), min(high or capacity, capacity), 1.0
        return
    ranges = bins(edges, settings.native_context, capacity)
    if part.lengths.tilt is None:
        weights = [float(high**2 - low**2) for low, high in ranges]
    else:
        weights = [2.0 ** (part.lengths.tilt * index) for index in range(len(ranges))]
    for (low, high), weight in zip(ranges, weights, strict=True):
        yield min(max(low, 1), capacity), min(high - 1, capacity), weight / sum(weights)


def _entry(name: str, tokens: int) -> Measured:
    return Measured(
        example=name, conversation="", task="", cluster="", length="", tokens=tokens, supervised=0, images=0
    )


def _joined(pack: Sequence[Seen]) -> Seen:
    return Seen(
        sum(each.tokens for each in pack),
        sum(each.supervised for each in pack),
        tuple(image for each in pack for image in each.images),
    )

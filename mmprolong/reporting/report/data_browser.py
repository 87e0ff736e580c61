"""A look at data as one HTML file that needs nothing else: figures, and a sample of examples with their pages."""

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mmprolong.conversations import Conversation, Image, images_of
from mmprolong.errors import DataError
from mmprolong.images import stamps
from mmprolong.images.documents import Block, Document
from mmprolong.images.sources import Images, open_images
from mmprolong.records import Gold
from mmprolong.reporting.figures.charts import inline_svg
from mmprolong.reporting.figures.data_charts import lengths_histogram, mixture_lengths, mixture_shares, reasons_chart
from mmprolong.reporting.results.data_steps import (
    Chosen,
    DataStep,
    data_step,
    read_pool,
    sample_documents,
    sample_examples,
    token_lengths,
)
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.lines_by_key import LinesByKey
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store
from mmprolong.sweep.view.templates import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy import ndarray

MOST = 60
"""Examples or documents of a page; with the limits below a page has at most about 12 MB."""
_LARGE, _SMALL = 420, 150
"""Longest side of a large page, one with evidence, and of the others [px]."""
_LARGE_PAGES, _ALL_PAGES = 3, 9
"""Most pages of an example that are large, and that are shown at all."""
_BLOCKS = 120
"""Most block boxes on a page."""
_LONGEST = 3000
"""Characters of a text that are shown."""
_DPI = 52


class Box(NamedTuple):
    """A layout block on a page [pt]."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    text: str


class ShownPage(NamedTuple):
    """A page, ready to be shown."""

    number: int
    """Place among the images of its example, from 1."""
    uri: str
    """`data:` URI; empty: it cannot be drawn."""
    problem: str
    evidence: bool
    size: tuple[float, float]
    """Of the document's page [pt]."""
    boxes: tuple[Box, ...] = ()


class ShownTurn(NamedTuple):
    """A question with its answer."""

    question: str
    answer: str
    format: str
    evidence: tuple[int, ...]
    """Pages, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExample:
    """An example or a document, ready to be shown."""

    id: str
    component: str
    task: str
    facts: dict[str, str]
    pages: tuple[ShownPage, ...]
    turns: tuple[ShownTurn, ...] = ()


def data_page(store: Store, step: RunRecord, number: int = 40, seed: int = 0, image_root: str = "") -> str:
    """Return the page of a corpus, selection, synthesis, measurement or mixture step.

    Args:
        number: of examples, spread over components and tasks; of documents where there are no examples.
        seed: of the sample.
        image_root: folder of the image sets that examples show.

    Raises:
        ConfigError: it is a step of another stage.
        ArtifactError, DataError: a file is damaged, or its step is gone.
    """
    data, number = data_step(store, step), min(number, MOST)
    drawer = _Drawer(data, image_root)
    if data.parts:
        shown = [drawer.example(one) for one in sample_examples(data, number, seed)]
    else:
        shown = [drawer.document(one) for one in sample_documents(data, number, seed)]
    return render(
        "mmprolong.reporting.report",
        "data_browser.html.j2",
        {},
        step=step,
        figures=[(inline_svg(figure, name), name) for name, figure in data_figures(data)],
        shown=shown,
        grouped_by="component" if data.parts else "language",
        components=list(dict.fromkeys(one.component for one in shown)),
        tasks=sorted({one.task for one in shown}),
        boxes=sorted({box.kind for one in shown for page in one.pages for box in page.boxes}),
    )


def data_figures(data: DataStep) -> "Iterator[tuple[str, Figure]]":
    """Yield the figures of a step's pool, examples and mixture, with their names."""
    pool = read_pool(data)
    yield "pool_lengths", lengths_histogram(pool.lengths, "documents", "pages")
    reasons = {(reason, *counts) for (_, reason), counts in pool.totals.reasons.items()}
    refused = {f"{reason}{'' if whole else ' (pages)'}": whole or pages for reason, whole, pages in sorted(reasons)}
    if refused:
        yield "pool_refused", reasons_chart(refused, "documents, or single pages, that are not used")
    if data.parts and (lengths := token_lengths(data)):
        yield "example_lengths", lengths_histogram(lengths, "examples", "tokens")
    for part in data.parts:
        if part.refused:
            title = f"{part.name}: {sum(part.refused.values()):,} questions refused"
            yield f"refused_{part.name}", reasons_chart(part.refused, title)
    if data.certificate:
        yield "mixture_shares", mixture_shares(data.certificate)
        if any(len(part["lengths"]) > 1 for part in data.certificate["components"].values()):
            yield "mixture_lengths", mixture_lengths(data.certificate)


class _Drawer:
    """Turns examples and documents into what the page shows."""

    def __init__(self, data: DataStep, image_root: str) -> None:
        root = Path(image_root).expanduser() if image_root else None
        self._images: Images = open_images(View(dpi=_DPI), Corpus(), {"corpus": data.corpus}, root)
        self._layouts = LinesByKey(data.corpus / "blocks.jsonl", Block, "document")
        self._documents = LinesByKey(data.corpus / "documents.jsonl", Document)

    def example(self, chosen: Chosen) -> ShownExample:
        one = chosen.example
        conversation = next(iter(one.conversations.values()))
        images = list(images_of(conversation))
        evidence = sorted({place for gold in one.gold for place in gold.evidence if place < len(images)})
        others = [int(place * len(images) / _ALL_PAGES) for place in range(_ALL_PAGES)] if images else []
        places = list(dict.fromkeys([*evidence[:_LARGE_PAGES], *others]))[:_ALL_PAGES]
        said = [message.text for message in conversation if message.role != "system"]
        asked, answers = said[::2], said[1::2]
        turns = [_turn(*each) for each in zip_longest(asked, answers, one.gold[: len(answers)])]
        tokens = chosen.tokens
        facts = {
            "tokens": f"{tokens.tokens:,}, {tokens.supervised:,} supervised" if tokens else "not measured",
            "images": f"{len(images)}{', ' + one.length if one.length else ''}",
            "document": ", ".join(dict.fromkeys(self._names(conversation))) or one.facts.get("document", ""),
            **{name: text for name, text in one.facts.items() if name != "document"},
            "written by": one.origin,
        }
        large = evidence[:_LARGE_PAGES]
        order = [*large, *sorted(set(places) - set(large))]
        shown = tuple(self._page(images[place], place, place in evidence, place in large) for place in order)
        return ShownExample(
            id=one.id, component=chosen.component, task=one.task, facts=facts, pages=shown, turns=tuple(turns)
        )

    def document(self, one: Document) -> ShownExample:
        places = sorted({int(place * one.pages / _ALL_PAGES) for place in range(_ALL_PAGES)})
        large = places[: _LARGE_PAGES - 1]
        facts = {
            "pages": f"{one.pages}",
            "language": one.language,
            "licence": one.licence,
            "published": one.origin,
            "text layer": f"{one.text_share:.0%} of the pages",
            "headings": "; ".join(heading.title for heading in one.outline[:12]),
            "written by": one.producer,
        }
        pages = tuple(self._page(Image(f"pdf:{one.id}", place), place, False, place in large) for place in places)
        return ShownExample(id=one.source, component=one.language, task="document", facts=facts, pages=pages)

    def _page(self, image: Image, place: int, evidence: bool, large: bool) -> ShownPage:
        try:
            uri, problem = _uri(self._drawn(image), _LARGE if large else _SMALL), ""
        except DataError as error:
            uri, problem = "", str(error)
        size, boxes = (1.0, 1.0), ()
        if large and uri and image.source.startswith("pdf:") and not image.stamp and not image.crop:
            name = image.source.removeprefix("pdf:")
            size = self._documents.lines(name)[0].page_sizes[image.index]
            boxes = tuple(_boxes(block for block in self._layouts.lines(name) if block.page == image.index))
        return ShownPage(place + 1, uri, problem, evidence, size, boxes)

    def _drawn(self, image: Image) -> "ndarray":
        if not image.stamp:
            return self._images.pixels(image)
        import numpy as np
        from PIL import Image as Pillow

        page = Pillow.fromarray(self._images.pixels(Image(image.source, image.index)))
        grey = page.convert("L").resize((3 * stamps.CELL, 3 * stamps.CELL))
        return stamps.draw(np.asarray(grey), image.stamp, 0)

    def _names(self, conversation: Conversation) -> Iterator[str]:
        for source in dict.fromkeys(image.source for image in images_of(conversation)):
            found = self._documents.lines(source.removeprefix("pdf:"))
            yield found[0].source if found else source


def _boxes(blocks: Iterable[Block]) -> Iterator[Box]:
    for block in list(blocks)[:_BLOCKS]:
        x0, y0, x1, y1 = (round(side, 1) for side in block.box)
        yield Box(block.kind, x0, y0, max(x1 - x0, 0.1), max(y1 - y0, 0.1), block.text[:80])


def _turn(question: str, answer: str | None, gold: Gold | None) -> ShownTurn:
    evidence = tuple(place + 1 for place in gold.evidence) if gold else ()
    return ShownTurn(_cut(question), _cut(answer or ""), gold.format if gold else "", evidence)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text):,} characters)"


def _uri(pixels: "ndarray", side: int) -> str:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(pixels)
    picture.thumbnail((side, side))
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=72, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"

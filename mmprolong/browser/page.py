"""A look at data as one HTML file that needs nothing else: figures, and a sample of examples with their pages."""

import base64
import io
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmprolong.browser.charts import counts_chart, lengths_histogram, mixture_lengths, mixture_shares
from mmprolong.browser.data_steps import DataStep, data_step, draw_evenly
from mmprolong.conversations import Image, images_of
from mmprolong.errors import DataError
from mmprolong.images import stamps
from mmprolong.images.documents import Block, Document
from mmprolong.images.pool_ledger import KEPT, Totals, read_ledger
from mmprolong.images.sources import open_images
from mmprolong.records import Example, Measured
from mmprolong.reporting.figures.charts import inline_svg
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.lines_by_key import LinesByKey
from mmprolong.store.parquet_by_key import ParquetByKey
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store
from mmprolong.sweep.view.templates import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy import ndarray

_LARGE, _SMALL = 420, 150
"""Longest side of a large page, one with evidence, and of the others [px]."""
_LARGE_PAGES, _ALL_PAGES = 3, 9
"""Most pages of an example that are large, and that are shown at all."""
_BLOCKS = 120
"""Most block boxes on a page."""
_LONGEST = 3000
"""Characters of a text that are shown."""
_DPI = 52


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
    data = data_step(store, step)
    drawer = _Drawer(data, image_root)
    if data.parts:
        drawn = draw_evenly((((part, one.task), one) for part, one in data.examples()), number, seed)
        lengths = data.measured([one.id for _, one in drawn])
        shown = [drawer.example(part, one, lengths[one.id]) for (part, _), one in sorted(drawn, key=lambda one: one[0])]
    else:
        documents = (("", one) for one in read_jsonl(data.corpus / "documents.jsonl", Document))
        shown = [drawer.document(one) for _, one in draw_evenly(documents, number, seed)]
    return render(
        "mmprolong.browser",
        "page.html.j2",
        {"cut": lambda text: text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text):,} characters)"},
        step=step,
        figures=[(inline_svg(figure, name), name) for name, figure in data_figures(data)],
        shown=shown,
        grouped_by="component" if data.parts else "language",
        components=list(dict.fromkeys(one["component"] for one in shown)),
        tasks=sorted({one["task"] for one in shown}),
        kinds=sorted({block.kind for one in shown for page in one["pages"] for block in page["boxes"]}),
    )


def data_figures(data: DataStep) -> "Iterator[tuple[str, Figure]]":
    """Yield the figures of a step's pool, examples and mixture, with their names."""
    pool, pages = Totals(), Counter[int]()
    for _, rows in read_ledger(data.ledger):
        pool.add(rows)
        if any(row.state == KEPT for row in rows):
            pages[sum(row.pages for row in rows)] += 1
    yield "pool_lengths", lengths_histogram(pages, "documents", "pages")
    reasons = sorted({(reason, *counts) for (_, reason), counts in pool.reasons.items()})
    refused = {f"{reason}{'' if whole else ' (pages)'}": whole or single for reason, whole, single in reasons}
    if refused:
        yield "pool_refused", counts_chart("documents, or single pages, that are not used", refused)
    if data.parts and (lengths := data.token_lengths()):
        yield "example_lengths", lengths_histogram(lengths, "examples", "tokens")
    for part in data.parts:
        if part.refused:
            title = f"{part.name}: {sum(part.refused.values()):,} questions refused"
            yield f"refused_{part.name}", counts_chart(title, part.refused)
    if data.certificate:
        yield "mixture_shares", mixture_shares(data.certificate)
        if any(len(part["lengths"]) > 1 for part in data.certificate["components"].values()):
            yield "mixture_lengths", mixture_lengths(data.certificate)


class _Drawer:
    """Turns examples and documents into what the template shows."""

    def __init__(self, data: DataStep, image_root: str) -> None:
        root = Path(image_root).expanduser() if image_root else None
        self._images = open_images(View(dpi=_DPI), Corpus(), {"corpus": data.corpus}, root)
        self._layouts = ParquetByKey(data.corpus / "blocks", Block)
        self._documents = LinesByKey(data.corpus / "documents.jsonl", Document)

    def example(self, component: str, one: Example, measured: dict[str, Measured]) -> dict[str, Any]:
        name, conversation = next(iter(one.conversations.items()))
        images = list(images_of(conversation))
        evidence = sorted({place for gold in one.gold for place in gold.evidence if place < len(images)})
        large = evidence[:_LARGE_PAGES]
        places = list(dict.fromkeys([*large, *_spread(len(images))]))[:_ALL_PAGES]
        said = [message.text for message in conversation if message.role != "system"]
        tokens = measured.get(name)
        sources = dict.fromkeys(image.source for image in images)
        facts = {
            "tokens": f"{tokens.tokens:,}, {tokens.supervised:,} supervised" if tokens else "not measured",
            "images": f"{len(images)}{', ' + one.length if one.length else ''}",
            "document": ", ".join(map(self._name, sources)) or one.facts.get("document", ""),
            **{name: text for name, text in one.facts.items() if name != "document"},
            "written by": one.origin,
        }
        return {
            "id": one.id,
            "component": component,
            "task": one.task,
            "facts": facts,
            "pages": [self._page(images[place], place, place in evidence, place in large) for place in places],
            "turns": list(zip_longest(said[::2], said[1::2], one.gold[: len(said) // 2])),
        }

    def document(self, one: Document) -> dict[str, Any]:
        places = _spread(one.pages)
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
        pages = [self._page(Image(f"pdf:{one.id}", place), place, False, place in large) for place in places]
        shown = {"id": one.source, "component": one.language, "task": "document"}
        return {**shown, "facts": facts, "pages": pages, "turns": []}

    def _page(self, image: Image, place: int, evidence: bool, large: bool) -> dict[str, Any]:
        """Return a page as an embedded picture, or why it cannot be drawn; a large one with its layout blocks."""
        page = {"number": place + 1, "evidence": evidence, "uri": "", "problem": "", "size": (1.0, 1.0), "boxes": []}
        try:
            page["uri"] = _uri(self._drawn(image), _LARGE if large else _SMALL)
        except DataError as error:
            return page | {"problem": str(error)}
        if not large or not image.source.startswith("pdf:") or image.stamp or image.crop:
            return page
        name = image.source.removeprefix("pdf:")
        blocks = [block for block in self._layouts.records(name) if block.page == image.index]
        return page | {"size": self._documents.lines(name)[0].page_sizes[image.index], "boxes": blocks[:_BLOCKS]}

    def _drawn(self, image: Image) -> "ndarray":
        if not image.stamp:
            return self._images.pixels(image)
        import numpy as np
        from PIL import Image as Pillow

        page = Pillow.fromarray(self._images.pixels(Image(image.source, image.index)))
        grey = page.convert("L").resize((3 * stamps.CELL, 3 * stamps.CELL))
        return stamps.draw(np.asarray(grey), image.stamp, 0)

    def _name(self, source: str) -> str:
        found = self._documents.lines(source.removeprefix("pdf:"))
        return found[0].source if found else source


def _spread(pages: int) -> range:
    return range(0, pages, max(-(-pages // _ALL_PAGES), 1))


def _uri(pixels: "ndarray", side: int) -> str:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(pixels)
    picture.thumbnail((side, side))
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=72, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"

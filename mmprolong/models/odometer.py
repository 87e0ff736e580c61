"""Exact model tokens of pages from their boxes alone, for published models; no file of a model is needed."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmprolong.errors import DataError, InvalidSettings, Problem, nearest
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import find_renderer, pixel_size
from mmprolong.models.flops import Grid
from mmprolong.models.qwen_vl.image_format import ImageFormat
from mmprolong.models.shapes import Shape
from mmprolong.settings.knobs import View

PUBLISHED = {
    "qwen2_vl": ImageFormat(min_pixels=3136, max_pixels=12_845_056),
    "qwen2_5_vl": ImageFormat(min_pixels=3136, max_pixels=12_845_056),
    "qwen3_vl": ImageFormat(min_pixels=65_536, max_pixels=16_777_216, patch=16, mean=(0.5,) * 3, std=(0.5,) * 3),
}
"""Image formats by backbone.

Source: preprocessor_config.json of Qwen/Qwen2-VL-7B-Instruct, Qwen/Qwen2.5-VL-7B-Instruct, Qwen/Qwen3-VL-8B-Instruct.
"""
MARKS = 2
"""Tokens around an image: its start and its end."""
_A4 = 8.27, 11.69
"""Width and height [inch]."""
_ENDINGS = (".pdf", ".pdf.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTokens:
    """Tokens of a document's pages."""

    tokens: tuple[int, ...]
    """Of each page that the model takes, marks included."""
    refused: dict[int, str] = field(default_factory=dict)
    """Pages, from 0, that it does not take, and why."""

    @property
    def total(self) -> int:
        """Tokens of all pages."""
        return sum(self.tokens)


def image_tokens(form: ImageFormat, width: int, height: int, view: View) -> int:
    """Return the tokens of an image of this size [px], without its marks.

    Raises:
        DataError: the model does not take it.
    """
    rows, columns = form.grid(width, height, view)
    return rows * columns // form.merge**2


def page_tokens(backbone: str, page_sizes: Iterable[tuple[float, float]], view: View) -> PageTokens:
    """Return the tokens of pages of these sizes [pt].

    Raises:
        InvalidSettings: there is no such backbone; names the nearest.
    """
    form = PUBLISHED.get(backbone)
    if form is None:
        raise InvalidSettings(Problem("backbone", f"{backbone!r} is unknown; {nearest(backbone, PUBLISHED)}"))
    tokens, refused = [], {}
    for page, size in enumerate(page_sizes):
        try:
            tokens.append(image_tokens(form, *pixel_size(size, view.dpi), view) + MARKS)
        except DataError as error:
            refused[page] = str(error)
    return PageTokens(tokens=tuple(tokens), refused=refused)


def count_files(backbone: str, paths: Sequence[Path], view: View) -> Iterator[tuple[Path, PageTokens | str]]:
    """Yield each PDF, those of folders too, with the tokens of its pages, or why it cannot be opened."""
    renderer = find_renderer(view.renderer)
    for path in (each for given in paths for each in _pdfs(given)):
        try:
            with renderer.open(path) as document:
                yield path, page_tokens(backbone, document.page_sizes, view)
        except Unreadable as error:
            yield path, str(error)


def _pdfs(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [each for each in sorted(path.rglob("*")) if each.name.lower().endswith(_ENDINGS)]


def a4_tokens(view: View, shape: Shape) -> int:
    """Return the tokens of a page of A4, or of a thumbnail, marks included; 0 for a model that sees none."""
    rows, columns = a4_grid(view, shape)
    return rows * columns // shape.vision.merge**2 + MARKS if shape.vision else 0


def a4_grid(view: View, shape: Shape) -> Grid:
    """Return rows and columns of patches of such a page; (0, 0) for a model that sees none."""
    if not shape.vision:
        return 0, 0
    patch, merge = shape.vision.patch, shape.vision.merge
    if view.thumbnail:
        return view.thumbnail // patch, view.thumbnail // patch
    form = ImageFormat(min_pixels=view.min_pixels, max_pixels=view.max_pixels or 2**30, patch=patch, merge=merge)
    width, height = (math.ceil(side * view.dpi) for side in _A4)
    return form.grid(width, height, view)

"""Exact model tokens of pages from their boxes alone, for published models; no file of a model is needed."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mmprolong.errors import DataError, InvalidSettings, Problem, nearest
from mmprolong.images.renderer import pixel_size
from mmprolong.models.qwen_vl.image_format import ImageFormat
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

"""Leaks that are planted to learn how many of them are found: "0 hits" says nothing without it."""

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mmprolong.images.file_content import Unreadable
from mmprolong.images.renderer import Renderer
from mmprolong.selection.benchmark_index import BenchmarkIndex, Hit, file_digest, files_of
from mmprolong.selection.fingerprints import Fingerprint, of_document, of_picture, of_text

PLANTED = 100
"""Leaks of each kind, where the benchmarks have so many pages."""
_DPI = 100
_FEWEST_LETTERS = 250
"""Pages with less text cannot leak it."""
_NOISE = 0.03
"""Wrong letters of a text that OCR read."""
_CROPPED = 0.06
"""Most of each side that is cut off."""
_JPEG_QUALITY = 25
_LOOK_ALIKES = str.maketrans("lnouvceaiLBSOG0158hmdtfr", "1h0vuoecl18506OlS8bnclin")


@dataclass(frozen=True, slots=True)
class Original:
    """One page of a benchmark."""

    picture: Image.Image
    text: str


@dataclass(frozen=True, slots=True)
class Recall:
    """Leaks of one kind that were planted and found."""

    leak: str
    planted: int
    found: int
    interval: tuple[float, float]
    """95 %, Clopper and Pearson's."""
    channels: Mapping[str, int]
    """Leaks that each channel found."""


def measure_recall(roots: Mapping[str, Path], index: BenchmarkIndex, renderer: Renderer) -> list[Recall]:
    """Plant copies of the benchmarks' pages and look for them."""
    pages, files = _sample(roots, renderer)
    rng = np.random.default_rng(0)
    known = [index.files.get(file_digest(path)) for path in files]
    recalls = [_recall("same bytes", [[Hit(-1, "bytes", name, 1.0)] if name else [] for name in known])]
    for leak, change in _PICTURES.items():
        copies = [of_picture(change(page.picture, rng)) for page in pages if _distinct(page)]
        recalls.append(_recall(leak, [list(index.find(0, copy)) for copy in copies]))
    texts = [page.text for page in pages if sum(map(str.isalnum, page.text)) >= _FEWEST_LETTERS]
    for leak, rewrite in _TEXTS.items():
        found = [_hits(index, of_text(rewrite(text, rng))) for text in texts]
        recalls.append(_recall(leak, found))
    recalls.append(_recall("page shuffle", list(_shuffled(files, index, renderer, rng))))
    return [recall for recall in recalls if recall.planted]


def _distinct(page: Original) -> bool:
    """Tell whether a page has enough on it to be told from others."""
    return bool(len(of_picture(page.picture).looks))


def _sample(roots: Mapping[str, Path], renderer: Renderer) -> tuple[list[Original], list[Path]]:
    """Draw pages of the benchmarks' PDFs and pictures, and the files that they are of."""
    rng = np.random.default_rng(1)
    files = [path for _, path in files_of(roots) if path.suffix.lower() in (".pdf", ".png", ".jpg", ".jpeg")]
    pages: list[Original] = []
    read: list[Path] = []
    each = max(1, -(-PLANTED // max(len(files), 1)))
    for place in rng.permutation(len(files)):
        if len(pages) >= PLANTED:
            break
        try:
            pages += _pages(files[place], each, renderer, rng)
        except (Unreadable, OSError, ValueError, SyntaxError):  # it is among the index's files that were not read
            continue
        read.append(files[place])
    return pages[:PLANTED], read


def _pages(path: Path, count: int, renderer: Renderer, rng: np.random.Generator) -> Iterator[Original]:
    if path.suffix.lower() != ".pdf":
        with Image.open(path) as picture:
            yield Original(picture.convert("RGB"), "")
        return
    with renderer.open(path) as document:
        numbers = rng.permutation(len(document.page_sizes))[:count]
        for page in numbers.tolist():
            text = "\n".join(line.text for line in document.lines(page))
            yield Original(Image.fromarray(document.render(page, _DPI)), text)


def _hits(index: BenchmarkIndex, pages: Iterator[Fingerprint]) -> list[Hit]:
    return [hit for number, page in enumerate(pages) for hit in index.find(number, page)]


def _recall(leak: str, hits: Sequence[Sequence[Hit]]) -> Recall:
    from scipy.stats import binomtest

    found = sum(map(bool, hits))
    interval = binomtest(found, len(hits)).proportion_ci() if hits else (0.0, 1.0)
    named = [{hit.channel for hit in each} for each in hits]
    channels = {name: sum(name in each for each in named) for name in ("bytes", "text", "image")}
    low, high = (round(float(bound), 4) for bound in interval)
    return Recall(leak, len(hits), found, (low, high), channels)


def _other_dpi(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    scale = float(rng.uniform(0.4, 0.9))
    return picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))


def _cropped(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    left, top, right, bottom = rng.uniform(0, _CROPPED, 4).tolist()
    width, height = picture.size
    return picture.crop((int(left * width), int(top * height), int((1 - right) * width), int((1 - bottom) * height)))


def _jpeg(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=_JPEG_QUALITY)
    return Image.open(content)


def _scanned(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    grey = np.asarray(picture.convert("L").rotate(0.5, fillcolor=255), np.float32)
    noisy = 0.85 * grey + 20 + rng.normal(0, 8, grey.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def _rewrapped(text: str, rng: np.random.Generator) -> str:
    """Break lines elsewhere, words at hyphens, and the page in its middle."""
    width, out, column = int(rng.integers(30, 60)), [], 0
    for word in text.replace("-\n", "").split():
        if column + len(word) > width and len(word) > 6:
            middle = len(word) // 2
            out.append(f"{word[:middle]}-\n{word[middle:]} ")
            column = len(word) - middle
        else:
            out.append(word + ("\n" if column > width else " "))
            column = 0 if column > width else column + len(word) + 1
    whole = "".join(out)
    return whole[len(whole) // 3 :]


def _ocr_noise(text: str, rng: np.random.Generator) -> str:
    """Take a few letters for others, leave some out, and see some twice."""
    wrong = rng.random(len(text)) < _NOISE
    kinds = rng.integers(3, size=len(text))
    changed = ("", "{0}{0}", None)
    return "".join(
        char if not bad else char.translate(_LOOK_ALIKES) if changed[kind] is None else str(changed[kind]).format(char)
        for char, bad, kind in zip(text, wrong.tolist(), kinds.tolist(), strict=True)
    )


def _shuffled(
    files: Sequence[Path], index: BenchmarkIndex, renderer: Renderer, rng: np.random.Generator
) -> Iterator[list[Hit]]:
    """Yield the hits of PDFs whose pages were put in another order."""
    import pymupdf

    for path in (path for path in files if path.suffix.lower() == ".pdf"):
        with tempfile.TemporaryDirectory() as folder, pymupdf.open(path) as document:
            if document.needs_pass or document.page_count < 2:
                continue
            document.select(rng.permutation(document.page_count)[:8].tolist())
            copy = Path(folder) / "copy.pdf"
            document.save(copy)
            with renderer.open(copy) as opened:
                yield _hits(index, (page for page, _ in of_document(opened)))


_PICTURES: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "other dpi": _other_dpi,
    "cropped": _cropped,
    "JPEG": _jpeg,
    "scanned": _scanned,
}
_TEXTS: dict[str, Callable[[str, np.random.Generator], str]] = {"re-wrapped": _rewrapped, "OCR noise": _ocr_noise}

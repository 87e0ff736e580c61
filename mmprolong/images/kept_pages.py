"""Pages that were drawn beforehand (`prerendering`): slow ones and scans, without loss, in tar shards with an index.

The pixels are those that the renderer gives, so what is kept changes no result, only the time until a page is there.
Shards are in WebDataset's layout: `NAME.webp` and `NAME.json` of each page follow each other, whole files by name.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from mmprolong import plugins
from mmprolong.errors import DataError
from mmprolong.images.file_content import Unreadable
from mmprolong.images.page_notes import UndrawnImage
from mmprolong.settings.knobs import View
from mmprolong.store.fingerprint import readable_id
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.lines_by_key import places_file, places_in

INDEX = Path("index.tar")  # its table of places stands beside the shards
UNDRAWN = "undrawn.jsonl"
FAR = 2**40
"""Places are counted over all shards, as if each had so many bytes."""
BLOCK = 512
"""Bytes of a header of a tar, and what members are padded to."""


class KeptPages:
    """Reads the pages that are kept; a place is found by a hash, a page is read by one call.

    Args:
        folder: with the shards and their index.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._table = np.load(places_file(folder / INDEX), mmap_mode="r")
        self.undrawn = {(one.source, one.index): one for one in read_undrawn(folder / UNDRAWN)}
        """Pages that could not be drawn; nobody need try again what may end a process."""

    def __len__(self) -> int:
        return len(self._table)

    def content(self, document: str, page: int) -> bytes | None:
        """Return the file of a page; None: it is not kept."""
        name = page_name(document, page)
        for begin, size in places_in(self._table, name):
            shard, offset = divmod(begin, FAR)
            with shard_file(self._folder, shard).open("rb", buffering=0) as file:
                file.seek(offset)
                found = file.read(BLOCK + size)
            if found[: len(name)] == name.encode():  # the name in the member's header: another may have this hash
                return found[BLOCK:]
        return None

    def pixels(self, document: str, page: int) -> np.ndarray | None:
        """Return a page, uint8 (H, W, 3); None: it is not kept.

        Raises:
            Unreadable: it could not be drawn.
            DataError: the shard is damaged.
        """
        known = self.undrawn.get((f"pdf:{document}", page))
        if known:
            raise Unreadable(known.reason, known.detail)
        content = self.content(document, page)
        if content is None:
            return None
        try:
            with Pillow.open(io.BytesIO(content)) as picture:
                return np.array(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"{self._folder}: page {page + 1} of {document}: {error}; remove the folder") from error


def kept_folder(corpus: Path, view: View) -> Path:
    """Return the folder, in the corpus step's store, of the pages that are kept for a view."""
    name = plugins.split(view.renderer)[0]
    version = plugins.plugin_class("mmprolong.images.renderers", name, "view.renderer").version
    return corpus.parents[1] / "pages" / readable_id(f"{view.dpi}dpi", [corpus.name, view.renderer, version, view.dpi])


def open_kept(corpus: Path, view: View) -> KeptPages | None:
    """Return the pages of a corpus that are kept for a view; None: there are none."""
    folder = kept_folder(corpus, view)
    return KeptPages(folder) if places_file(folder / INDEX).exists() else None


def read_undrawn(file: Path) -> list[UndrawnImage]:
    """Return the pages that could not be drawn, of a folder of kept pages or of a document; none without the file."""
    return list(read_jsonl(file, UndrawnImage)) if file.exists() else []


def shard_file(folder: Path, number: int) -> Path:
    """Return the file of a shard."""
    return folder / f"pages-{number:06d}.tar"


def page_name(document: str, page: int) -> str:
    """Return the name of a page's file: WebDataset takes what stands before the first dot as the key."""
    return f"{document}-{page:05d}.webp"

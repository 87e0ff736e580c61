"""Signatures of documents: near-equal ones have near-equal signatures, whatever their bytes."""

import hashlib
from collections.abc import Sequence

import numpy as np
from datasketch import MinHash

from mmprolong.images.shingles import shingles

PERMUTATIONS = 128
_SAMPLE = 8
"""One shingle in so many is kept: of a page of 2,000 letters 250."""
_FEWEST = 200
"""Shorter texts [letters and digits] are equal by chance: cover pages, forms, scans."""
_BAND = 8
"""Bits of a page's picture that make one token."""


def text_digest(text: str) -> str:
    """Return the SHA-256 of a document's squashed text; empty if there is little."""
    return hashlib.sha256(text.encode()).hexdigest() if len(text) >= _FEWEST else ""


def signature(text: str, thumbnails: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Return the MinHash of a document's text or, if it has little, of what its pages look like.

    Args:
        text: squashed.
        thumbnails: grey pages, uint8 (side, side).
    """
    tokens = shingles(text, _SAMPLE) >> np.uint64(32) if len(text) >= _FEWEST else _looks(thumbnails)
    if not len(tokens):
        return ()
    made = MinHash(num_perm=PERMUTATIONS, seed=1, hashfunc=int)
    made.update_batch(tokens.tolist())
    return tuple(made.hashvalues.tolist())


def _looks(thumbnails: Sequence[np.ndarray]) -> np.ndarray:
    """Return a token for every few bits of the pages' differences of neighbouring cells."""
    cells = [page[:, 1:].astype(np.int16) - page[:, :-1] > 0 for page in thumbnails if page.max() > page.min()]
    found = [
        hashlib.blake2b(bytes([index % 256, index // 256, *packed]), digest_size=4).digest()
        for page in cells
        for index, packed in enumerate(np.packbits(page.ravel()).reshape(-1, _BAND // 8).tolist())
    ]
    return np.unique(np.frombuffer(b"".join(found), np.uint32))

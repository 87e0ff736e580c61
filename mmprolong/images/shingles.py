"""Overlapping runs of characters of a text, as hashes: the same for two printings of one wording."""

import re
import unicodedata

import numpy as np

LENGTH = 16
"""Characters of a shingle, about three words; a power of 2."""
_SIGNS = re.compile(r"[\W_]+")
_ASCII_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())
_BASE = 0x9E3779B97F4A7C15


def squashed(text: str) -> str:
    """Return the letters and digits of a text alone: line breaks, hyphens and quotation marks are typography."""
    return without_signs(unicodedata.normalize("NFKC", text).casefold())


def without_signs(text: str) -> str:
    """Return a text without all that is neither letter nor digit; those of ASCII are the most, and go at once."""
    content = text.encode("utf-8", "surrogatepass").translate(None, _ASCII_SIGNS)
    return _SIGNS.sub("", content.decode("utf-8", "surrogatepass"))


def shingles(text: str, sample: int = 1) -> np.ndarray:
    """Return the different shingles of a squashed text, uint64, sorted.

    Args:
        sample: keep one hash in so many, the same ones of every text.

    Source: for the sample, "scaled" MinHash, doi:10.12688/f1000research.19675.1.
    """
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    if len(codes) < LENGTH:
        return np.empty(0, np.uint64)
    windows, power, length = codes, _BASE, 1
    while length < LENGTH:  # a window is two of half its length
        windows = windows[:-length] * np.uint64(power) + windows[length:]
        power, length = power * power % 2**64, 2 * length
    hashes = _mixed(windows)
    return np.unique(hashes[hashes % np.uint64(sample) == 0])


def _mixed(values: np.ndarray) -> np.ndarray:
    """Return well-mixed hashes. Source: the finaliser of SplitMix64, https://prng.di.unimi.it/splitmix64.c."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

"""Characters of a text layer as they are read: no format characters, whole accents, logical order."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

SOFT_HYPHEN = "\u00ad"
"""Kept at the end of a line, where it is printed; the word goes on in the next line."""
UNKNOWN = "\ufffd"
"""Character of a glyph for which the file states none."""
_JOINERS = "\u200c\u200d"
_ACCENTS = {
    "`": "\u0300",
    "´": "\u0301",
    "ˆ": "\u0302",
    "˜": "\u0303",
    "¯": "\u0304",
    "˘": "\u0306",
    "˙": "\u0307",
    "¨": "\u0308",
    "˚": "\u030a",
    "˝": "\u030b",
    "ˇ": "\u030c",
}
_BEFORE = re.compile(
    r"(?<=[^\W\d_])( ?)([´ˆ˜¯˘˙¨˚˝ˇ])( ?)([^\W\d_])|()([´ˆ˜˘¨ˇ])()([^\W\d_])|(?<=[a-z])()(`)()([aeiou])(?=[a-z])"
)
_ACCENT = re.compile("[`´ˆ˜¯˘˙¨˚˝ˇ]")
_CEDILLA = re.compile(r"([cCsStT]) ?¸")
_DOTLESS = str.maketrans("ıȷ", "ij")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_DIRECTIONS = {"R": "R", "AL": "R", "L": "L", "EN": "L", "AN": "L"}
"""By Unicode's bidirectional class; numbers are read from left to right in any script."""
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


class Glyph(NamedTuple):
    """A character where it is printed."""

    text: str
    x0: float
    x1: float


def clean(text: str, spaces: bool = False) -> str:
    """Return text as it is read: without control, format and private-use characters, its accents on their letters.

    Args:
        spaces: keep runs of spaces, as code needs them.
    """
    if text.isascii() and text.isprintable() and "`" not in text:
        return text.rstrip() if spaces else " ".join(text.split()) if "  " in text else text.strip()
    kept = unicodedata.normalize("NFC", text if text.isprintable() else "".join(_kept(text)))
    kept = kept.rstrip() if spaces else " ".join(kept.split())
    if not kept.isascii():
        kept = _CEDILLA.sub(lambda found: unicodedata.normalize("NFC", f"{found[1]}\u0327"), kept)
    return kept if spaces or not _ACCENT.search(kept) else _BEFORE.sub(_accented, kept)


def is_right_to_left(text: str) -> bool:
    """Tell whether a part of the text is written from right to left."""
    return not text.isascii() and bool(_RIGHT_TO_LEFT.search(text))


def logical(glyphs: Sequence[Glyph]) -> str:
    """Return the characters of a printed line in the order in which they are read, right-to-left words included."""
    shown = _shown(glyphs)
    classes = [unicodedata.bidirectional(glyph.text[0]) for glyph in shown]
    base = "R" if classes.count("R") + classes.count("AL") >= classes.count("L") else "L"
    directed = zip(_directions([_DIRECTIONS.get(one, "") for one in classes], base), shown, strict=True)
    runs = [(kind, [glyph.text for _, glyph in run]) for kind, run in groupby(directed, key=lambda pair: pair[0])]
    if base == "R":
        runs.reverse()
    return "".join("".join(run) if kind == "L" else "".join(reversed(run)).translate(_MIRRORED) for kind, run in runs)


def _kept(text: str) -> Iterable[str]:
    before = ""
    last = len(text.rstrip()) - 1
    for index, char in enumerate(text):
        if char == SOFT_HYPHEN:
            if index == last:
                yield char
        elif char in _JOINERS:
            if "\u0600" <= before < "\u2000":  # scripts that need them: Arabic, those of India
                yield char
        elif char == UNKNOWN or (char.isprintable() and not "\ue000" <= char <= "\uf8ff"):
            yield char
        elif unicodedata.category(char) != "Cf":
            yield " "
        before = char


def _accented(found: re.Match[str]) -> str:
    """Put an accent that TeX drew before its letter onto it."""
    space_before, accent, space_after, letter = (part for part in found.groups() if part is not None)
    whole = unicodedata.normalize("NFC", letter.translate(_DOTLESS) + _ACCENTS[accent])
    if len(whole) > 1 or (space_before and space_after):
        return found[0]
    return space_before + whole


def _shown(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """Return the glyphs from left to right, marks with their letters, the letters of a ligature as one."""
    whole: list[Glyph] = []
    for glyph in glyphs:
        above = whole[-1] if whole else None
        if above is not None and above.x1 > above.x0 and (unicodedata.combining(glyph.text[0]) or glyph.x0 == glyph.x1):
            whole[-1] = Glyph(above.text + glyph.text, above.x0, above.x1)
        else:
            whole.append(glyph)
    return sorted(whole, key=lambda glyph: glyph.x0 + glyph.x1)


def _directions(kinds: Sequence[str], base: str) -> list[str]:
    """Return the direction of each character; neutral ones have that of both neighbours, or the line's."""
    before, after = list(kinds), list(kinds)
    for index in range(len(kinds)):
        before[index] = kinds[index] or (before[index - 1] if index else base)
        after[-1 - index] = kinds[-1 - index] or (after[-index] if index else base)
    return [one if one == other else base for one, other in zip(before, after, strict=True)]

"""Text layers that are no text: glyphs without names, numbers of glyphs, words of no language."""

from collections.abc import Sequence

from mmprolong.images.printed_text import UNKNOWN
from mmprolong.images.renderer import Line

_UNKNOWN_SHARE = 0.1
"""Share of characters without a name above which a page's text is unusable."""
_LETTERS = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalpha() else ord(" ") for code in range(256))
"""To lower case; all but letters of ASCII parts words."""
_SHORTEST = 4
"""Letters of the words that are looked at."""
_CONSONANTS = b"bcdfghjklmnpqrstvwxz"
_FEWEST = 20
"""Words that a page needs to be judged by them."""
_MOST = 200
"""Words that are looked at."""
_SPOKEN = 0.6
"""Share of words with a vowel below which Latin letters are no language; English and Czech have 0.97 and more."""
_COMMON = b"etaoinsr"
_OFTEN = 0.4
"""Share of these letters below which they are no language; languages have 0.5 to 0.65, a shifted alphabet 0.2."""


def fault_of(lines: Sequence[Line]) -> str:
    """Return why the text of a page cannot be used; empty if it can, or if there is too little to tell.

    Source code is not judged by its words.
    """
    whole = "".join([line.text for line in lines])
    unknown = whole.count(UNKNOWN)
    if unknown and unknown > _UNKNOWN_SHARE * max(1, len(whole.replace(" ", ""))):
        return "no Unicode map"
    prose = " ".join([line.text for line in lines if not line.mono])
    parts = prose.encode("utf-8", "surrogatepass").translate(_LETTERS).split()
    words = [word for word in parts if len(word) >= _SHORTEST][:_MOST]
    if len(words) < _FEWEST:
        return ""
    letters = b" ".join(words)
    spoken = len(letters.translate(None, _CONSONANTS).split()) / len(words)
    common = (len(letters) - len(letters.translate(None, _COMMON))) / (len(letters) - len(words) + 1)
    return "no language" if spoken < _SPOKEN or common < _OFTEN else ""

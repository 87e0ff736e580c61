"""Abbreviations that a sentence spells out, and which text is plain prose."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

_ABBREVIATION = re.compile(r" \(([A-Z][A-Za-z]{1,5})\)")
_WORD = re.compile(r"[A-Za-z][\w/’-]*")
_MOST_WORDS = 8
_PLAIN = re.compile(r"[A-Za-z0-9 ,.;:'’“”\"()/%&é–—-]+")
_GLUED = re.compile(
    r"[A-Za-z]\d|\d[A-Za-z]|[a-z][.,;:][a-zA-Z]|[a-z)][.,]\d|\.\.|\( | \)| [,.;]|- [a-z]|[a-z] -[a-z]"
    r"|(?<![\w’'.(-])[b-zB-HJ-Z](?![\w’'.-])"
)
"""Exponents, footnote marks, broken words, and letters alone but for 'a' and 'I': formulas."""
_SMALL = {"of", "the", "and", "for", "in", "a", "an", "to", "with", "by", "on"}


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """Letters and their meaning."""

    letters: str
    meaning: str


def readable(text: str) -> bool:
    """Tell whether a text is prose alone: no formulas, no exponents, no footnote marks, no broken words."""
    return text.count("(") == text.count(")") and bool(_PLAIN.fullmatch(text)) and not _GLUED.search(text)


def abbreviations(text: str) -> Iterator[Abbreviation]:
    """Find those that are spelt out where they stand: 'ordinary least squares (OLS)'."""
    for match in _ABBREVIATION.finditer(text):
        before = text[: match.start()].split()[-_MOST_WORDS:]
        words = list(takewhile(_WORD.fullmatch, reversed(before)))[::-1]
        meaning = _spelt_out(words, match[1])
        if meaning:
            yield Abbreviation(match[1], meaning)


def _spelt_out(words: list[str], letters: str) -> str:
    """Return the last words whose initials are `letters`; a short word may be skipped between two."""
    initials = [letter.lower() for letter in letters if letter.isupper()]
    if len(initials) < 2:
        return ""
    for start in range(len(words) - len(initials), max(-1, len(words) - len(initials) - 4), -1):
        parts = [part for word in words[start:] for part in re.split(r"[-/]", word) if part]
        firsts = [part[0].lower() for part in parts if part.lower() not in _SMALL]
        if start >= 0 and firsts == initials and words[start].lower() not in _SMALL:
            return " ".join(words[start:])
    return ""

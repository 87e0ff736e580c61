"""What can be asked of one sentence: which function, package or work, what a term or an abbreviation means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

_VERBS = (
    "allows|analyzes|builds|calculates|carries|combines|computes|constructs|contains|controls|converts|creates|defines|"
    "determines|displays|draws|estimates|evaluates|extracts|facilitates|fits|generates|gives|implements|includes|"
    "indicates|initializes|obtains|offers|performs|plots|prints|produces|provides|reports|returns|selects|shows|"
    "simulates|sorts|specifies|stores|supports|takes|tests|transforms|updates|uses"
)
_FUNCTION = re.compile(
    rf"^(?:The|Function) (?:(?:R )?function )?([A-Za-z][\w.]*\(\)) (?:(function|method) )?((?:{_VERBS})\b.+)\.$"
)
_PACKAGE = re.compile(
    rf"^(?:(?:The )?(?:R )?[Pp]ackage ([A-Za-z][A-Za-z0-9]{{2,}})|The ([A-Za-z][A-Za-z0-9]{{2,}}) package) (?:for R )?"
    rf"((?:{_VERBS})\b.+)\.$"
)
_CITATION = re.compile(
    r"^([^()]{40,190}) \((?:e\.g\., |see |see also )?"
    r"([A-Z][\w’-]+(?:(?:, and |, | and )[A-Z][\w’-]+| et al\.)*,? (?:19|20)\d\d[a-z]?)\)\.$"
)
_ABBREVIATION = re.compile(r" \(([A-Z][A-Za-z]{1,5})\)")
_WORD = re.compile(r"[A-Za-z][\w/’-]*")
_MOST_WORDS = 8
_TERM = re.compile(r"^[•❼◦▪∗*·–] ?[“\"]?([A-Za-z][\w.]{1,24})[”\"]?: (?:[a-z] )?([A-Z].{20,})$")
_COUNTED = re.compile(
    r"(?<![\w.,$/-])(\d{1,3}(?:,\d{3})+|\d{1,5}(?:\.\d+)?)(?= (?:[a-z]+[- ])?[a-z]{4,}s\b)(?! and \d)"
)
_REFERRED = re.compile(
    r"(?:sections?|figures?|tables?|equations?|chapters?|pages?|steps?|types?|levels?|class|groups?|components?|models?|"
    r"versions?|probability|fig\.|eq\.|of|and|to|in|or) $",
    re.I,
)
_PLAIN = re.compile(r"[A-Za-z0-9 ,.;:'’“”\"()/%&é–—-]+")
_GLUED = re.compile(
    r"[A-Za-z]\d|\d[A-Za-z]|[a-z][.,;:][a-zA-Z]|[a-z)][.,]\d|\.\.|\( | \)| [,.;]|- [a-z]|[a-z] -[a-z]"
    r"|(?<![\w’'.(-])[b-zB-HJ-QS-Z](?![\w’'.-])"
)
"""Exponents, footnote marks, broken words, and letters alone (but for 'a', 'I' and the language R): formulas."""
_DEICTIC = re.compile(
    r"\b(?:this|these|those|above|below|following|previous|previously|latter|former|here|it|its|they|such|thus|hence|"
    r"therefore|however|moreover|again|same|example|we|our|he|she)\b",
    re.I,
)
_SHORTEST, _LONGEST = 45, 230


@dataclass(frozen=True, slots=True)
class Fact:
    """A question without its place, and its answer."""

    question: str
    answer: str
    cue: str
    """Wording that finds it."""
    answer_format: str = "String"


def clean(sentence: str) -> bool:
    """Whether a sentence is prose alone: no formulas, no exponents, no footnote marks, no broken words."""
    return _SHORTEST <= len(sentence) <= _LONGEST and readable(sentence)


def readable(text: str) -> bool:
    """As `clean`, of any length."""
    return text.count("(") == text.count(")") and bool(_PLAIN.fullmatch(text)) and not _GLUED.search(text)


def functions(sentence: str) -> Iterator[Fact]:
    """'The clm() function fits ...' asks which function."""
    match = _FUNCTION.match(sentence)
    if match and _answerable(match[3]):
        noun = match[2] or "function"
        yield Fact(f"which {noun} {match[3]}?", match[1], match[3])


def packages(sentence: str) -> Iterator[Fact]:
    """'Package strucchange provides ...' asks which package."""
    match = _PACKAGE.match(sentence)
    if match and _answerable(match[3]) and (match[2] or "") not in _NO_NAMES:
        yield Fact(f"which package {match[3]}?", match[1] or match[2], match[3])


def citations(sentence: str) -> Iterator[Fact]:
    """'... is a bias correction (Olkin and Pratt 1958).' asks which work is cited for it."""
    match = _CITATION.match(sentence)
    if match and _answerable(match[1]):
        yield Fact(f"which work is cited for the statement “{match[1]}”?", match[2], match[1])


def abbreviations(sentence: str) -> Iterator[Fact]:
    """'ordinary least squares (OLS)' asks what the letters stand for."""
    for match in _ABBREVIATION.finditer(sentence):
        before = sentence[: match.start()].split()[-_MOST_WORDS:]
        words = list(takewhile(_WORD.fullmatch, reversed(before)))[::-1]
        long = _spelt_out(words, match[1])
        if long:
            yield Fact(f'what does the abbreviation "{match[1]}" stand for?', long, f"({match[1]})")


def terms(item: str) -> Iterator[Fact]:
    """A list item 'alpha: The mixing parameter ...' asks what its term is."""
    match = _TERM.match(item)
    if match:
        meaning, stop, _ = match[2].partition(". ") if ". " in match[2] else match[2].partition(".")
        if stop and clean(meaning + ".") and not re.match(r"(?:If|For|When|See)\b", meaning):
            yield Fact(f'how is the list entry "{match[1]}" described?', meaning, f"{match[1]}: {meaning[:30]}")


def blanks(sentence: str) -> Iterator[Fact]:
    """A counted thing: the sentence with the number left out."""
    if sentence.count("(") or len(sentence.split()) < 9:
        return
    found = list(_COUNTED.finditer(sentence))
    if len(found) == 1 and not _REFERRED.search(sentence[: found[0].start()]):
        number = found[0][1]
        blank = sentence[: found[0].start()] + "____" + sentence[found[0].end() :]
        kind = "Float" if "." in number else "Integer"
        yield Fact(f"which number is missing from “{blank}”?", number.replace(",", ""), sentence, kind)


def _answerable(text: str) -> bool:
    """Whether a predicate means something away from its paragraph."""
    return len(text) >= 20 and not _DEICTIC.search(text)


def _spelt_out(words: list[str], letters: str) -> str:
    """The last words whose initials are `letters`; one short word may be skipped between two."""
    initials = [letter.lower() for letter in letters if letter.isupper()]
    if len(initials) < 2:
        return ""
    for start in range(len(words) - len(initials), max(-1, len(words) - len(initials) - 4), -1):
        parts = [part for word in words[start:] for part in re.split(r"[-/]", word) if part]
        firsts = [part[0].lower() for part in parts if part.lower() not in _SMALL]
        if start >= 0 and firsts == initials and words[start].lower() not in _SMALL:
            return " ".join(words[start:])
    return ""


_NO_NAMES = {"new", "same", "add", "main", "other", "resulting", "following", "base", "current"}
_SMALL = {"of", "the", "and", "for", "in", "a", "an", "to", "with", "by", "on"}

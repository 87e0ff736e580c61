"""Sentences with their one number, or their one quoted name, left out: what completes them is printed in one place.

Few good facts are better than many: only a number that plainly counts or measures something is left out.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from mmprolong.synthesis.parsed_document import ParsedDocument, plain, sentences
from mmprolong.synthesis.prose import readable
from mmprolong.synthesis.segments import Segment
from mmprolong.synthesis.verify import given_away

_GAP = "____"
_SHORTEST, _LONGEST, _FEWEST_WORDS = 40, 200, 7
_NUMBER = re.compile(r"(\w+) (\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(%|(?: [a-z]+)?)(?![\w%)-])")
_QUOTED = re.compile(r"“([^“”]+)”|‘([^‘’]+)’|\"([^\"]+)\"")
_NAME = re.compile(r"[A-Za-z][A-Za-z-]{2,}(?: [A-Za-z-]+){0,3}")
_BEFORE = re.compile(
    r"a|about|above|all|almost|an|and|another|approximately|are|around|average|below|between|contained|contains|"
    r"covers|every|exactly|for|had|has|have|included|includes|is|least|most|nearly|of|only|or|other|over|reached|"
    r"roughly|some|than|the|their|these|total|under|was|were|with|within"
)
"""Words after which a number stands for itself; after others it may name a page, a section, a version or a date."""
_NO_UNIT = re.compile(
    r"a|also|am|an|and|are|as|at|be|because|but|by|can|could|did|do|does|each|et|for|from|had|has|have|he|here|"
    r"how|if|in|into|is|it|may|might|must|nor|not|of|on|only|or|our|pm|shall|she|should|so|such|than|that|the|"
    r"their|then|there|these|they|this|those|to|was|we|were|when|where|which|while|who|will|with|would"
)
_ENGLISH = {"are", "by", "has", "of", "that", "the", "were", "which", "with"}
_YEARS = range(1400, 2101)
_COMPUTABLE = re.compile(r"\d+(?:\.\d{1,2})?")
"""Three decimals may be thousands."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A sentence with a gap, and what fills it."""

    text: str
    sentence: str
    answer: str
    """As printed."""
    unit: str
    """'%', or the word after the number; empty for a quoted name."""
    page: int
    anchor: str
    """Words that name its place: 'in the section "Data"'."""

    @property
    def answer_format(self) -> str:
        """Integer or Float if it is plainly one, else String."""
        return "Integer" if self.answer.isdecimal() else "Float" if re.fullmatch(r"\d+\.\d+", self.answer) else "String"

    @property
    def value(self) -> Decimal | None:
        """The number, if there is one way to read it."""
        return Decimal(self.answer) if _COMPUTABLE.fullmatch(self.answer) else None


def number_gaps(parsed: ParsedDocument, segment: Segment) -> list[Gap]:
    """Return sentences of a segment without their one number: a count, a measure or a percentage."""
    return list(_gaps(parsed, segment, _number))


def quoted_gaps(parsed: ParsedDocument, segment: Segment) -> list[Gap]:
    """Return sentences of a segment without the one name that they put in quotation marks."""
    return list(_gaps(parsed, segment, _quoted))


def pairs(gaps: Sequence[Gap]) -> Iterator[tuple[Gap, Gap]]:
    """Yield sentences of two pages, in order; neither tells what fills the other."""
    for one, two in combinations(gaps, 2):
        told = any(given_away(f"{one.text} {two.text}", each.answer, "String") for each in (one, two))
        if one.page != two.page and one.answer != two.answer and not told:
            yield one, two


def _gaps(
    parsed: ParsedDocument, segment: Segment, find: Callable[[str], tuple[str, str, str] | None]
) -> Iterator[Gap]:
    for passage in parsed.passages:
        if passage.kind != "paragraph" or not segment.first_page <= passage.page <= segment.last_page:
            continue
        for sentence in sentences(passage.text):
            found = find(sentence) if _is_plain(sentence) else None
            if found and _is_unique(parsed, found[0]) and not given_away(found[0], found[1], "String"):
                text, answer, unit = found
                yield Gap(text, sentence, answer, unit, passage.page, parsed.anchor(passage.section, passage.page))


def _is_plain(sentence: str) -> bool:
    words = sentence.split()
    return (
        _SHORTEST <= len(sentence) <= _LONGEST
        and len(words) >= _FEWEST_WORDS
        and not _ENGLISH.isdisjoint(words)
        and readable(sentence)
    )


def _is_unique(parsed: ParsedDocument, text: str) -> bool:
    """Tell whether a sentence is printed once in the document, whatever fills its gap."""
    pattern = re.compile(re.escape(plain(text)).replace(_GAP, ".{1,40}?"))
    return sum(len(pattern.findall(page)) for page in parsed.page_texts) == 1


def _number(sentence: str) -> tuple[str, str, str] | None:
    """Return a sentence with a gap, the number and its unit; none if it is not sure that it counts or measures."""
    match = _NUMBER.search(sentence)
    if not match or re.search(r"\d", sentence[: match.start(2)] + sentence[match.end(2) :]):
        return None
    before, number, unit = match[1].lower(), match[2], match[3].strip()
    small = number.isdecimal() and unit != "%" and (len(number) < 2 or number[0] == "0" or int(number) in _YEARS)
    measured = not _NO_UNIT.fullmatch(unit) if unit else number.startswith("0.")
    if small or not _BEFORE.fullmatch(before) or not measured:
        return None
    return sentence[: match.start(2)] + _GAP + sentence[match.end(2) :], number, unit


def _quoted(sentence: str) -> tuple[str, str, str] | None:
    found = list(_QUOTED.finditer(sentence))
    name = next(filter(None, found[0].groups())) if len(found) == 1 else ""
    apostrophe = "‘" in sentence and sentence.count("’") > 1
    if not _NAME.fullmatch(name) or apostrophe or len(re.findall(r"[“”‘\"]", sentence)) > 2:
        return None
    return f"{sentence[: found[0].start()]}“{_GAP}”{sentence[found[0].end() :]}", name, ""

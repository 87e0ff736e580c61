"""Answers compared by their words, as SQuAD does it."""

import re
from collections import Counter
from string import punctuation

_ARTICLE = re.compile(r"\b(?:an?|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", punctuation)


def normal(text: str, keep_punctuation: bool = False) -> str:
    """Return `text` in lower case, without articles and ASCII punctuation, with single spaces.

    Source: https://arxiv.org/abs/1606.05250, section 6.1, as DensePhrases and MMLongBench have it: punctuation goes
    before articles do, so that 'a-b' becomes 'ab'.
    """
    return " ".join(_words_of(text, keep_punctuation))


def word_f1(response: str, gold: str) -> float:
    """Return the harmonic mean of precision and recall over normalised words, each counted as often as it occurs."""
    response_words, gold_words = _words_of(response), _words_of(gold)
    left, common = Counter(gold_words), 0
    for word in response_words:
        if left.get(word, 0) > 0:
            left[word] -= 1
            common += 1
    if not common:
        return 0.0
    precision, recall = common / len(response_words), common / len(gold_words)
    return 2 * precision * recall / (precision + recall)


def _words_of(text: str, keep_punctuation: bool = False) -> list[str]:
    lowered = text.lower() if keep_punctuation else text.lower().translate(_NO_PUNCTUATION)
    return _ARTICLE.sub(" ", lowered).split()


def after_prefix(text: str, prefix: str = "Answer:") -> str:
    """Return what follows the first `prefix`, a second one directly behind it left out, or all of `text` without one.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/utils.py (parse_output).
    """
    wanted = re.escape(prefix)
    found = re.search(wanted, text, re.IGNORECASE)
    rest = (text[found.end() :] if found else text).strip()
    return re.sub(rf"\A{wanted}", "", rest, flags=re.IGNORECASE).strip()

"""Answers about stamps: a value, a list of keys and values, or a conclusion after `=`."""

from collections import Counter

VERSION = "1"


def score(reply: str, target: str) -> tuple[float, str]:
    """Value in [0, 1] and the answer that was compared.

    A conclusion or a single value counts if it is equal; a list counts by the F1 of its key-value pairs, as lists do in
    the paper's benchmarks (arXiv 2605.13831, appendix B.1).
    """
    if "=" in target:
        said = reply.rpartition("=")[2].strip() if "=" in reply else ""
        return float(said == target.rpartition("=")[2].strip()), said
    if " " not in target:
        return float(reply.strip() == target), reply.strip()
    return _f1(_pairs(reply), _pairs(target)), reply.strip()


def _pairs(text: str) -> Counter[tuple[str, ...]]:
    words = text.split()
    return Counter(tuple(words[start : start + 2]) for start in range(0, len(words), 2))


def _f1(said: Counter[tuple[str, ...]], wanted: Counter[tuple[str, ...]]) -> float:
    common = (said & wanted).total()
    return 2 * common / (said.total() + wanted.total())

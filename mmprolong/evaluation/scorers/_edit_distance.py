"""Strings compared letter by letter."""


def distance(one: str, other: str) -> int:
    """Return the Levenshtein distance: the fewest insertions, deletions and substitutions of a character."""
    row = list(range(len(other) + 1))
    for number, char in enumerate(one, 1):
        diagonal, row[0] = row[0], number
        for place, wanted in enumerate(other, 1):
            cheapest = min(row[place] + 1, row[place - 1] + 1, diagonal + (char != wanted))
            diagonal, row[place] = row[place], cheapest
    return row[-1]


def anls(response: str, gold: str, threshold: float = 0.5) -> float:
    """Return 1 - distance / length of the longer string, and 0 where that is not above `threshold`.

    Two empty strings are alike. Lengths are those in upper case, as the benchmarks have it ('ß' counts twice).

    Source: https://arxiv.org/abs/1905.13648 (average normalized Levenshtein similarity).
    """
    longer = max(len(response.upper()), len(gold.upper()))
    alike = 1.0 - distance(response, gold) / longer if longer else 1.0
    return alike if alike > threshold else 0.0

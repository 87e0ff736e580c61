"""Strings compared letter by letter."""


def distance(one: str, other: str) -> int:
    """Return the Levenshtein distance: the fewest insertions, deletions and substitutions of a character.

    Source: Hyyrö, A bit-vector algorithm for computing Levenshtein and Damerau edit distances, Nordic Journal of
    Computing 10 (2003) 29-39: a column of the table is two whole numbers, the bits of its steps up and down.
    """
    if one == other:
        return 0
    if not one or not other:
        return len(one) + len(other)
    places: dict[str, int] = {}
    for place, char in enumerate(one):
        places[char] = places.get(char, 0) | 1 << place
    every, last = (1 << len(one)) - 1, 1 << len(one) - 1
    up, down, found = every, 0, len(one)
    for char in other:
        equal = places.get(char, 0)
        level = (((equal & up) + up) ^ up) | equal | down
        rises, falls = down | (every & ~(level | up)), level & up
        if rises & last:
            found += 1
        elif falls & last:
            found -= 1
        rises = rises << 1 | 1
        up = (falls << 1 | ~(level | rises)) & every
        down = rises & level & every
    return found


def anls(response: str, gold: str, threshold: float = 0.5) -> float:
    """Return 1 - distance / length of the longer string, and 0 where that is not above `threshold`.

    Two empty strings are alike. Lengths are those in upper case, as the benchmarks have it ('ß' counts twice).

    Source: https://arxiv.org/abs/1905.13648 (average normalized Levenshtein similarity).
    """
    if response == gold:
        return 1.0
    longer = max(len(response.upper()), len(gold.upper()))
    alike = 1.0 - distance(response, gold) / longer
    return alike if alike > threshold else 0.0

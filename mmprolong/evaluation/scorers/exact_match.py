"""Equality after normalisation of case, white space and final punctuation; numbers by value; lists as sets."""

VERSION = "1"


def score(reply: str, target: str) -> tuple[float, str]:
    """1 if the reply says what the target says, else 0; and the normalised reply."""
    said = _normal(reply)
    return float(said == _normal(target)), "; ".join(said)


def _normal(text: str) -> tuple[str, ...]:
    return tuple(sorted(_item(item) for item in text.split(";")))


def _item(text: str) -> str:
    plain = " ".join(text.casefold().split()).strip(" .")
    try:
        return f"{float(plain.replace(',', '')):g}"
    except ValueError:
        return plain

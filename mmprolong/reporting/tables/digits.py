"""How numbers are printed, and read again."""


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign; `+0.0` for what rounds to nothing."""
    text = f"{value:+.{digits}f}"
    if float(text) == 0:
        text = text.replace("-", "+")
    return text.replace("-", "−")


def plain(value: float, digits: int = 1) -> str:
    """A number with a typographic minus."""
    return f"{value:.{digits}f}".replace("-", "−")


def parsed(text: str) -> float | None:
    """The number that a printed cell is; None if it is none."""
    try:
        return float(text)
    except ValueError:
        return None

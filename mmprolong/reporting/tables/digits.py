"""How numbers are printed."""


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign; `+0.0` for what rounds to nothing."""
    text = f"{value:+.{digits}f}"
    if float(text) == 0:
        text = text.replace("-", "+")
    return text.replace("-", "−")


def plain(value: float, digits: int = 1) -> str:
    """A number with a typographic minus."""
    return f"{value:.{digits}f}".replace("-", "−")

"""Settings of the stages, and their entries."""

from dataclasses import dataclass

from mmprolong.settings.stages import Stage


@dataclass
class Counting:
    """How many parts there are."""

    parts: int = 6
    seconds: float = 0.0
    """Of each part."""


@dataclass
class Summing:
    """How often the ranks add up, and which of them goes wrong how."""

    updates: int = 4
    seconds: float = 0.0
    """Of each update."""
    fails: int = -1
    how: str = "raise"


@dataclass
class Closing:
    """What is done to the sum."""

    add: int = 0
    megabytes: int = 0
    """Memory that it takes."""


ECHO = {
    "counting": Stage("mmprolong.echo.counting", Counting, 1, "parts"),
    "summing": Stage("mmprolong.echo.summing", Summing, 1, "ranks"),
    "closing": Stage("mmprolong.echo.closing", Closing, 1),
}

"""Labels of evaluated lengths as numbers: '4x' is four native windows, '64K' is 65,536 tokens."""

import re

from mmprolong.errors import ConfigError

_LENGTH = re.compile(r"(\d+\.?\d*|\.\d+)([xKM])", re.ASCII)
_UNITS = {"x": 1, "K": 1024, "M": 1024**2}


def is_length(label: str) -> bool:
    """Whether a label says how long a sample is."""
    return _LENGTH.fullmatch(label) is not None


def size(label: str) -> float:
    """The length that a label stands for, in windows or tokens.

    Raises:
        ConfigError: it is no number with x, K or M.
    """
    found = _LENGTH.fullmatch(label)
    if found is None:
        raise ConfigError(f"suite.labels: {label!r} is no length; write '4x', '64K' or '1M'")
    return float(found[1]) * _UNITS[found[2]]

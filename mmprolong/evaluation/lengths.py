"""Labels of lengths as numbers: '4x' is four times the native context, '64K' is 65,536 tokens, '8p' is eight pages."""

import re

from mmprolong.errors import ConfigError

ALLOWED = "a length such as '4x', '64K', '1M' or '8p'"
_LENGTH = re.compile(r"(\d+\.?\d*|\.\d+)([xKMp])", re.ASCII)
_UNITS = {"x": 1, "K": 1024, "M": 1024**2, "p": 1}


def is_length(label: str) -> bool:
    """Tell whether a label names a length."""
    return _LENGTH.fullmatch(label) is not None


def size(label: str) -> float:
    """Return the length that a label names, in native contexts, tokens or pages.

    Raises:
        ConfigError: it is no number with x, K, M or p.
    """
    found = _LENGTH.fullmatch(label)
    if found is None:
        raise ConfigError(f"length {label!r}: not {ALLOWED}")
    return float(found[1]) * _UNITS[found[2]]

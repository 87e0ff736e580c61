"""Labels of evaluated lengths as numbers: '4x' is four native windows, '64K' is 65,536 tokens."""

from mmprolong.errors import ConfigError

_UNITS = {"x": 1, "K": 1024, "M": 1024**2}


def size(label: str) -> float:
    """The length that a label stands for, in windows or tokens.

    Raises:
        ConfigError: it is no number with x, K or M.
    """
    try:
        return float(label[:-1]) * _UNITS[label[-1:]]
    except (ValueError, KeyError) as error:
        raise ConfigError(f"suite.labels: {label!r} is no length; write '4x', '64K' or '1M'") from error

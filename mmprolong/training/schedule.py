"""The learning rate, as a function of the tokens seen."""

from math import cos, pi

from mmprolong.settings.knobs import Optimizer


def learning_rate(optimizer: Optimizer, seen: int, total: int) -> float:
    """Linear warm-up, then a cosine from the peak to `final` times the peak.

    Args:
        seen: tokens of all updates up to and including this one.
        total: tokens of the phase.

    Source: arXiv 2605.13831, appendix A.2.
    """
    share = seen / total
    if share < optimizer.warmup:
        return optimizer.peak * share / optimizer.warmup
    progress = (share - optimizer.warmup) / max(1 - optimizer.warmup, 1e-9)
    return optimizer.peak * (optimizer.final + (1 - optimizer.final) * (1 + cos(pi * min(progress, 1.0))) / 2)

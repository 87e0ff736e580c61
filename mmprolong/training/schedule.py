"""The learning rate, as a function of the tokens seen."""

from math import cos, pi

from mmprolong.settings.knobs import Optimizer


def learning_rate(optimizer: Optimizer, seen: int, total: int) -> float:
    """Return the rate of an update: a linear warm-up, then a cosine from the peak to a share of it.

    Args:
        seen: tokens of all updates up to and including this one.
        total: tokens of the phase.

    Source: arXiv 2605.13831, appendix A.2.
    """
    share, last = seen / total, optimizer.final_lr_ratio
    if share < optimizer.warmup_ratio:
        return optimizer.peak_lr * share / optimizer.warmup_ratio
    progress = (share - optimizer.warmup_ratio) / max(1 - optimizer.warmup_ratio, 1e-9)
    return optimizer.peak_lr * (last + (1 - last) * (1 + cos(pi * min(progress, 1.0))) / 2)

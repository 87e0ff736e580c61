"""What an ablation found, in a few sentences."""

from collections.abc import Mapping

from mmprolong.reporting.arms import Arm
from mmprolong.reporting.digits import plain, signed
from mmprolong.reporting.runs import Runs


def summary(runs: Runs, arms: Mapping[str, Arm]) -> list[str]:
    """Sentences that the numbers carry and no more."""
    sentences = [_progress(runs, arms)]
    scores = {label: arm.score for label, arm in arms.items() if arm.score is not None}
    if scores:
        best = max(scores, key=lambda label: scores[label])
        near = [label for label, arm in arms.items() if arm.compared.near_best]
        level = f"Highest overall: {best}, {plain(100 * scores[best])} %"
        sentences.append(f"{level}; not told apart from it: {', '.join(near)}." if near else f"{level}.")
    compared = [arm for arm in arms.values() if arm.compared.difference]
    clear = [f"{arm.label} ({signed(100 * (arm.delta or 0))})" for arm in compared if arm.compared.clear]
    unclear = [f"{arm.label} ({signed(100 * (arm.delta or 0))})" for arm in compared if not arm.compared.clear]
    if clear:
        sentences.append(f"Clear of {runs.plan.baseline} after Holm's correction: {', '.join(clear)} points.")
    if unclear:
        sentences.append(f"Not clear of {runs.plan.baseline}: {', '.join(unclear)} points.")
    return sentences


def _progress(runs: Runs, arms: Mapping[str, Arm]) -> str:
    finished, planned = sum(arm.finished for arm in arms.values()), sum(arm.planned for arm in arms.values())
    if finished == planned:
        return f"All {planned} runs are finished."
    missing = ", ".join(f"{point.label} seed {point.seed}" for point in runs.missing)
    return f"{finished} of {planned} runs are finished; missing: {missing}."

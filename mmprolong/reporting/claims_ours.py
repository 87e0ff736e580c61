"""What our runs say of a claim, which of them, and what would settle it."""

from dataclasses import dataclass
from pathlib import Path

from mmprolong.choices import ablations
from mmprolong.errors import FeasibilityError
from mmprolong.reporting.claims import BEST, NOT_RUN, UNCLEAR, Claim, Contrast, Ours, verdict
from mmprolong.reporting.components import components
from mmprolong.reporting.lengths import size
from mmprolong.reporting.marks import trust_notes
from mmprolong.reporting.power import cheaper, design_of
from mmprolong.reporting.power_report import command_of, costs_of
from mmprolong.reporting.runs import Result, Runs, read_store
from mmprolong.reporting.statistics import Estimate, Outcomes, difference, holm, outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class OurVerdict:
    """A claim judged by our runs."""

    verdict: str
    contrasts: tuple[Contrast, ...] = ()
    runs: tuple[str, ...] = ()
    """Ids of the score steps that were used."""
    command: str = ""
    """What would settle it; for a settled claim, what prints the table behind it."""
    notes: tuple[str, ...] = ()
    """How far the runs can be trusted."""


def judge_ours(claim: Claim, store: Path | None, mixed_code: bool = False) -> OurVerdict:
    """The verdict of the runs in `store`.

    Args:
        mixed_code: whether runs of different code may be judged together.

    Raises:
        ArtifactError: a result is damaged, or results cannot be compared.
    """
    asked = claim.ours
    if asked is None:
        return OurVerdict(verdict=NOT_RUN, command=f"no ablation yet: {claim.needs}")
    launch = f"python -m mmprolong.sweep +ablation={asked.ablation}"
    planned = store is not None and (store / "plans" / f"{asked.ablation}.json").is_file()
    if store is None or not planned:
        known = asked.ablation in ablations()
        return OurVerdict(verdict=NOT_RUN, command=launch if known else f"no ablation {asked.ablation} yet")
    return judge_runs(claim, asked, read_store(store, asked.ablation, mixed_code))


def judge_runs(claim: Claim, asked: Ours, runs: Runs) -> OurVerdict:
    """The verdict of these runs."""
    launch = f"python -m mmprolong.sweep +ablation={asked.ablation}"
    lengths = _lengths(asked.length, runs)
    sides = [asked.arm, *([[label] for label in asked.baseline] if claim.direction == BEST else [asked.baseline])]
    used = [_results(runs, side) for side in sides]
    if not lengths or any(not results for results in used):
        return OurVerdict(verdict=NOT_RUN, command=launch)
    arm, *others = [outcomes([result.scores for result in results], lengths) for results in used]
    contrasts = _contrasts(arm, others, _pool(runs, lengths))
    found = verdict(claim, contrasts)
    ids = tuple(result.id for results in used for result in results)
    settled = f"mmprolong report {asked.ablation}"
    command = _larger(claim, contrasts, runs) if found == UNCLEAR else settled
    notes = tuple(f"{asked.ablation}: {note}" for note in trust_notes(runs))
    return OurVerdict(verdict=found, contrasts=tuple(contrasts), runs=ids, command=command, notes=notes)


def _lengths(name: str, runs: Runs) -> list[str]:
    trained = runs.plan.suite.get("trained") or ""
    chosen = {
        "overall": runs.overall,
        "shortest": runs.lengths[:1],
        "trained": [trained] if trained in runs.lengths else [],
        "beyond": [length for length in runs.lengths if trained and size(length) > size(trained)],
    }
    return chosen.get(name, [name] if name in runs.lengths else [])


def _results(runs: Runs, labels: list[str]) -> list[Result]:
    """The runs of all labels; none if one of them has no run with single questions."""
    found = [[result for result in runs.of(label) if result.scores] for label in labels]
    return [result for results in found for result in results] if all(found) else []


def _pool(runs: Runs, lengths: list[str]) -> list[Outcomes]:
    found = (_results(runs, [label]) for label in runs.plan.labels)
    return [outcomes([result.scores for result in results], lengths) for results in found if results]


def _contrasts(arm: Outcomes, others: list[Outcomes], pool: list[Outcomes]) -> list[Contrast]:
    found = [difference(arm, other, pool=pool) for other in others]
    adjusted = holm({str(index): one.p for index, one in enumerate(found)})
    return [_points(one, adjusted[str(index)] < 0.05) for index, one in enumerate(found)]


def _points(one: Estimate, clear: bool) -> Contrast:
    return Contrast(value=100 * one.value, low=100 * one.low, high=100 * one.high, clear=clear)


def _larger(claim: Claim, contrasts: list[Contrast], runs: Runs) -> str:
    """The cheapest sweep that would see the measured difference, or the claim's margin, in four of five repetitions.

    Reckoned with the variances of the headline score, whatever the claim's own lengths.
    """
    goal = claim.margin or min(abs(one.value) for one in contrasts)
    try:
        sample = components(runs)
    except FeasibilityError:
        return f"python -m mmprolong.sweep +ablation={runs.plan.ablation} 'sweep.seeds=[0,1,2]'"
    now, costs = design_of(sample), costs_of(runs, sample)
    found = cheaper(now, max(goal, 0.1) / 100, costs.training, costs.question)["all"]
    if found is None:
        return f"nothing within 64 seeds: the difference is {goal:.1f} points"
    return command_of(found, now, runs)

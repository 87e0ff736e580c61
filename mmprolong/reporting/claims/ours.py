"""What our runs say of a claim, which of them, and what would settle it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mmprolong.config.groups import ablations
from mmprolong.errors import ArtifactError, DataError, FeasibilityError
from mmprolong.pipeline.plan import Plan, planned
from mmprolong.reporting.claims.asked import lengths_of, require_rows, unanswered
from mmprolong.reporting.claims.claim import BEST, NOT_RUN, UNJUDGED, Claim, Difference, Ours, smallest_lead, verdict
from mmprolong.reporting.sources.runs import Result, Runs
from mmprolong.reporting.sources.stale import read_marked
from mmprolong.reporting.statistics.components import components
from mmprolong.reporting.statistics.contrasts import is_clear
from mmprolong.reporting.statistics.estimates import Estimate, difference, holm
from mmprolong.reporting.statistics.outcomes import Outcomes, outcomes
from mmprolong.reporting.statistics.power import cheaper, design_of
from mmprolong.reporting.tables.agreement import UNCLEAR
from mmprolong.reporting.tables.marks import trust_notes
from mmprolong.reporting.tables.power_table import command_of, costs_of
from mmprolong.store.store import Store
from mmprolong.sweep.commands import command, sweep_command


@dataclass(frozen=True, slots=True, kw_only=True)
class OurVerdict:
    """A claim judged by our runs."""

    verdict: str
    differences: tuple[Difference, ...] = ()
    runs: tuple[str, ...] = ()
    """Ids of the score steps that were used."""
    command: str = ""
    """What would settle it; for a settled claim, what prints the table behind it."""
    notes: tuple[str, ...] = ()
    """How far the runs can be trusted; of a claim that is not judged, why."""
    stale: bool = False
    """Whether rows that were used are not those that the ablation would plan today."""


def judge_ours(
    claim: Claim, store: Path | None, mixed_code: bool = False, read: Callable[..., Runs] = read_marked
) -> OurVerdict:
    """The verdict of the runs in `store`; why there is none if they are damaged or cannot be compared.

    Args:
        mixed_code: whether runs of different code may be judged together.
        read: how the runs are read, if not anew for every claim.

    Raises:
        ConfigError: the claim asks a row that the ablation does not have.
    """
    asked = claim.ours
    if asked is None:
        return OurVerdict(verdict=NOT_RUN, command=f"no ablation yet: {claim.needs}")
    if store is None or asked.ablation not in planned(Store(store)):
        require_rows(claim.name, asked)
        return OurVerdict(verdict=NOT_RUN, command=_first(asked.ablation, store))
    try:
        return judge_runs(claim, asked, read(store, asked.ablation, mixed_code))
    except (ArtifactError, DataError, FeasibilityError) as error:
        told = command(Store(store), "report", asked.ablation)
        return OurVerdict(verdict=UNJUDGED, command=told, notes=(f"{asked.ablation} {UNJUDGED}: {error}",))


def _first(ablation: str, store: Path | None) -> str:
    """What launches an ablation that was not launched before."""
    if ablation not in ablations():
        return f"no ablation {ablation} yet"
    return sweep_command(Plan(ablation=ablation, points=()), store)


def judge_runs(claim: Claim, asked: Ours, runs: Runs) -> OurVerdict:
    """The verdict of these runs.

    Raises:
        ConfigError: the claim asks a row that the ablation does not have.
    """
    require_rows(claim.name, asked, runs.plan.labels)
    lengths = lengths_of(asked.length, runs)
    sides = [asked.arm, *([[label] for label in asked.baseline] if claim.direction == BEST else [asked.baseline])]
    used = [_results(runs, side) for side in sides]
    why = unanswered(asked, sides, runs)
    if why or not lengths or any(not results for results in used):
        launch = sweep_command(runs.plan, runs.store)
        return OurVerdict(verdict=NOT_RUN, command=launch, notes=(f"{asked.ablation}: {why}.",) if why else ())
    arm, *others = [_outcomes(runs, side, lengths) for side in sides]
    differences = _differences(arm, others, _pool(runs, lengths))
    found = verdict(claim, differences)
    ids = tuple(result.id for results in used for result in results)
    store = Store(runs.store or Path("store"))
    settled = command(store, "report", asked.ablation, config_dir=runs.plan.config_dir)
    settles = _larger(claim, differences, runs) if found == UNCLEAR else settled
    notes = tuple(f"{asked.ablation}: {note}" for note in trust_notes(runs))
    stale = any(label in runs.stale for side in sides for label in side)
    return OurVerdict(
        verdict=found, differences=tuple(differences), runs=ids, command=settles, notes=notes, stale=stale
    )


def _results(runs: Runs, labels: list[str]) -> list[Result]:
    """The runs of all labels; none if one of them has no run with single questions."""
    found = [[result for result in runs.of(label) if result.scores] for label in labels]
    return [result for results in found for result in results] if all(found) else []


def _outcomes(runs: Runs, side: list[str], lengths: list[str]) -> Outcomes:
    """Of several labels the mean, run by run, so that what differs between them is no spread of seeds."""
    each = [
        outcomes([result.scores for result in _results(runs, [label])], lengths, runs.planned(label)) for label in side
    ]
    drawn = any(one.drawn for one in each)
    return replace(each[0], sums=sum(one.sums for one in each) / len(each), drawn=drawn)


def _pool(runs: Runs, lengths: list[str]) -> list[Outcomes]:
    return [_outcomes(runs, [label], lengths) for label in runs.plan.labels if _results(runs, [label])]


def _differences(arm: Outcomes, others: list[Outcomes], pool: list[Outcomes]) -> list[Difference]:
    found = [difference(arm, other, pool=pool) for other in others]
    adjusted = holm({str(index): one.p for index, one in enumerate(found)})
    return [_points(one, adjusted[str(index)]) for index, one in enumerate(found)]


def _points(one: Estimate, p: float) -> Difference:
    return Difference(value=100 * one.value, low=100 * one.low, high=100 * one.high, clear=is_clear(one, p))


def _larger(claim: Claim, differences: list[Difference], runs: Runs) -> str:
    """The cheapest sweep that would see the measured difference, or the claim's margin, in four of five repetitions.

    Reckoned with the variances of the headline score, whatever the claim's own lengths.
    """
    goal = claim.margin or abs(smallest_lead(differences).value)
    try:
        sample = components(runs)
    except FeasibilityError:
        return sweep_command(runs.plan, runs.store, "sweep.seeds=[0,1,2]")
    now, costs = design_of(sample), costs_of(runs, sample)
    found = cheaper(now, max(goal, 0.1) / 100, costs.training, costs.question)["all"]
    if found is None:
        return f"nothing within 64 seeds: the difference is {goal:.1f} points"
    return command_of(found, now, runs)

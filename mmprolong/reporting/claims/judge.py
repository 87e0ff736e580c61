"""A claim judged by the paper's own numbers, and by our runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import NormalDist, fmean

from mmprolong.config.groups import ablations
from mmprolong.errors import ArtifactError, ConfigError, DataError, FeasibilityError, nearest
from mmprolong.evaluation.lengths import size
from mmprolong.pipeline.plan import Plan, planned
from mmprolong.records import Average
from mmprolong.reporting.claims.claim import (
    NOT_RUN,
    UNJUDGED,
    WAITING,
    Claim,
    Difference,
    PublishedSides,
    RunSides,
    Verdict,
    decide,
)
from mmprolong.reporting.results.provenance import read_marked
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import arms_of, at_lengths
from mmprolong.reporting.statistics.intervals import LEVEL, difference, holm
from mmprolong.reporting.statistics.scores import ArmScores
from mmprolong.reporting.tables.notes import trust_notes
from mmprolong.reporting.tables.published import UNCLEAR, Published, mean_of, require_columns
from mmprolong.store.store import Store
from mmprolong.sweep.ablation import read_ablation
from mmprolong.sweep.commands import command, sweep_command

Rows = Sequence[Mapping[str, str]]


def judge_published(claim: Claim, published: Published) -> Verdict:
    """Return the verdict that the printed numbers allow, as if the two sides had answered different questions.

    No pairing can make that worse; other training seeds are not covered. A score in [0, 1] with mean p varies by at
    most p(1 - p), so a cell's variance is at most p(1 - p)/questions; where the paper tells the spread of repeated
    evaluations, that is used. Several rows of one side answer the same questions: averaging them removes nothing.

    Raises:
        ConfigError: the claim names a table, row or column that does not exist.
    """
    sides = claim.published
    arm = [row for rows in _rows(sides.table, sides.arm, published) for row in rows]
    others = _rows(sides.baseline_table or sides.table, sides.baseline, published)
    if claim.direction != "best":
        others = [[row for rows in others for row in rows]]
    reach = NormalDist().inv_cdf(1 - LEVEL / 2 / len(others))
    found = [_published_difference(sides, arm, other) for other in others]
    differences = tuple(Difference(value=one, low=one - reach * se, high=one + reach * se) for one, se in found)
    return Verdict(verdict=decide(claim, differences), differences=differences)


def judge_store(claim: Claim, store: Path | None, read: Callable[[Path, str], Runs] = read_marked) -> Verdict:
    """Return the verdict of the runs in `store`; why there is none if they are damaged or cannot be compared.

    Args:
        read: how the runs are read, if not anew for every claim.

    Raises:
        ConfigError: the claim asks a row that the ablation does not have.
    """
    sides = claim.runs
    if sides is None or sides.ablation not in ablations():
        return Verdict(verdict=WAITING, command=f"no ablation yet: {sides.ablation if sides else claim.needs}")
    if store is None or sides.ablation not in planned(Store(store)):
        _require_rows(claim.name, sides)
        return Verdict(verdict=NOT_RUN, command=sweep_command(Plan(ablation=sides.ablation, points=()), store))
    try:
        return judge_runs(claim, sides, read(store, sides.ablation))
    except (ArtifactError, DataError, FeasibilityError) as error:
        told = command(Store(store), "report", sides.ablation)
        return Verdict(verdict=UNJUDGED, command=told, notes=(f"{sides.ablation} {UNJUDGED}: {error}",))


def judge_runs(claim: Claim, asked: RunSides, runs: Runs) -> Verdict:
    """Return the verdict of these runs.

    Raises:
        ConfigError: the claim asks a row that the ablation does not have.
    """
    _require_rows(claim.name, asked, runs.plan.labels)
    sides = [asked.arm, *([[label] for label in asked.baseline] if claim.direction == "best" else [asked.baseline])]
    average = _average(asked.length, runs)
    arms = arms_of(runs, average)
    why = _unanswered(asked, sides, runs, average)
    if why or not {*asked.arm, *asked.baseline} <= arms.keys():
        notes = (f"{asked.ablation}: {why}.",) if why else ()
        return Verdict(verdict=NOT_RUN, command=sweep_command(runs.plan, runs.store), notes=notes)
    arm, *others = [_together(arms, side) for side in sides]
    found = [difference(arm, other) for other in others]
    p = holm({number: one.p for number, one in enumerate(found)})
    differences = tuple(
        Difference(value=100 * one.value, low=100 * one.low, high=100 * one.high, clear=p[number] < LEVEL)
        for number, one in enumerate(found)
    )
    said = decide(claim, differences)
    shows = "power" if said == UNCLEAR else "report"
    told = command(Store(runs.store or Path("store")), shows, asked.ablation, config_dir=runs.plan.config_dir)
    return Verdict(
        verdict=said,
        differences=differences,
        runs=tuple(step for side in sides for label in side for one in runs.of(label) for step in one.ids),
        command=told,
        notes=tuple(f"{asked.ablation}: {note}" for note in trust_notes(runs)),
        stale=any(label in runs.stale for side in sides for label in side),
    )


def _rows(table: str, where: Mapping[str, Sequence[str]], published: Published) -> list[list[dict[str, str]]]:
    """Return the rows of each choice of texts."""
    wanted = [dict(zip(where, texts, strict=True)) for texts in product(*where.values())] if where else []
    return [published.rows(table, one) for one in wanted]


def _published_difference(sides: PublishedSides, arm: Rows, baseline: Rows) -> tuple[float, float]:
    """Return the mean difference and the standard error of an unpaired comparison [points]."""
    means = []
    for rows in filter(None, (arm, baseline)):
        require_columns(sides.table, rows, sides.columns)
        means.append([mean_of(sides.table, rows, column) for column in sides.columns])
    value = fmean(means[0]) - (fmean(means[1]) if baseline else 0.0)
    if sides.noise:
        return value, sides.noise * 2**0.5
    shares = [[min(max(mean / 100, 0.0), 1.0) for mean in each] for each in means]
    variances = [share * (1 - share) / n for each in shares for share, n in zip(each, sides.questions, strict=True)]
    return value, 100 * sum(variances) ** 0.5 / len(sides.columns)


def _average(length: str, runs: Runs) -> Average:
    """Return the weights of the lengths for which a name stands; empty if they were not asked."""
    if length == "overall":
        return runs.average
    trained = runs.plan.suite.get("trained") or ""
    beyond = [each for each in runs.lengths if trained and size(each) > size(trained)]
    roles = {"shortest": runs.lengths[:1], "trained": [trained], "beyond": beyond}
    return at_lengths(runs, roles.get(length, [length]))


def _require_rows(claim: str, asked: RunSides, launched: Iterable[str] = ()) -> None:
    """Refuse labels that are neither in the plan nor in the ablation's file."""
    missing = [label for label in (*asked.arm, *asked.baseline) if label not in launched]
    rows = [*launched, *(read_ablation(asked.ablation).arms if missing and asked.ablation in ablations() else ())]
    for label in missing:
        if rows and label not in rows:
            raise ConfigError(f"claim {claim}: {label!r} is no row of {asked.ablation}; {nearest(label, rows)}")


def _unanswered(asked: RunSides, sides: Sequence[Sequence[str]], runs: Runs, average: Average) -> str:
    """Return why the runs do not answer a claim, where that is not plain; else empty.

    The labels of one side count alike. As every run weighs as much as another, that needs as many of each label.
    """
    if runs.lengths and not average:
        return f"length {asked.length}: not asked, only {', '.join(runs.lengths)}"
    for side in sides:
        if len({len(runs.of(label)) for label in side}) > 1:
            counts = ", ".join(f"{len(runs.of(label))} of {runs.planned(label)} of {label}" for label in side)
            return f"{' and '.join(side)} count alike, which needs as many runs of each; finished: {counts}"
    return ""


def _together(arms: Mapping[str, ArmScores], side: Sequence[str]) -> ArmScores:
    """Return the mean of several labels, run by run, so that what differs between them is no spread of seeds."""
    import numpy as np

    return ArmScores(arms[side[0]].questions, np.mean([arms[label].values for label in side], axis=0))

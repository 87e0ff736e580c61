"""Claims judged by the papers' own numbers and by our runs, and the table of both verdicts."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from statistics import NormalDist, fmean

from mmprolong.config.groups import PUBLISHED, ablations, files_in
from mmprolong.errors import ArtifactError, ConfigError, DataError, FeasibilityError, nearest
from mmprolong.evaluation.average import headline
from mmprolong.evaluation.lengths import size
from mmprolong.pipeline.plan import Plan, load_plan, planned
from mmprolong.records import Average, Cell
from mmprolong.reporting.claims.claim import Claim, PublishedSides, RunSides, Verdict, decide, read_claims
from mmprolong.reporting.results.runs import Runs, restated
from mmprolong.reporting.results.store import read_and_mark_stale
from mmprolong.reporting.statistics.contrasts import arms_of
from mmprolong.reporting.statistics.intervals import LEVEL, Estimate, corrected, difference
from mmprolong.reporting.statistics.scores import ArmScores
from mmprolong.reporting.tables.model import CONFIDENCE, Column, Table, TableCell
from mmprolong.reporting.tables.notes import trust_notes
from mmprolong.reporting.tables.published import Published, format_difference, mean_of
from mmprolong.store.store import Store
from mmprolong.sweep.ablation import read_ablation
from mmprolong.sweep.commands import command, sweep_command

Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClaim:
    """A claim and both verdicts on it."""

    claim: Claim
    published: Verdict
    runs: Verdict


def judge_claims(store: Path, names: Iterable[str] = ()) -> list[JudgedClaim]:
    """Judge every claim, or those that are named, by the papers' numbers and by the runs in `store`; paper by paper.

    Raises:
        ConfigError: a claim is unknown or its file is wrong.
    """
    numbers, read = Published(files_in(PUBLISHED)), cache(read_and_mark_stale)
    claims = sorted(read_claims(names), key=lambda one: (one.source.partition(",")[0], one.name))
    return [
        JudgedClaim(claim=one, published=judge_published(one, numbers), runs=judge_store(one, store, read))
        for one in claims
    ]


def claims_table(judged: Sequence[JudgedClaim]) -> Table:
    """Make the table of these claims."""
    verdicts = [[one.published.verdict for one in judged], [one.runs.verdict for one in judged]]
    published, ours = (", ".join(f"{count} {name}" for name, count in Counter(each).items()) for each in verdicts)
    notes = (
        f"By the printed numbers: {published}. By our runs: {ours}.",
        "Printed intervals take the two sides as if they had answered different questions, the worst pairing. They "
        "rest on one run: other seeds are not covered.",
        "Where a paper tells the spread of repeated evaluations (OriOn's VA), that is used; it covers no documents.",
        "Of a claim against several rows the smallest lead is shown.",
        *dict.fromkeys(note for one in judged for note in one.runs.notes),
    )
    columns = [
        *(Column.words(name, (getattr(one.claim, name) for one in judged)) for name in ("claim", "source", "metric")),
        Column.of(f"published Δ [{CONFIDENCE} at most]", (_smallest(one.published) for one in judged), "published"),
        Column.words("published, at the paper's own sample size", verdicts[0], "published_verdict"),
        Column.of(f"our Δ [{CONFIDENCE}]", (_smallest(one.runs) for one in judged), "ours"),
        Column.counts("runs", (len(one.runs.runs) or None for one in judged)),
        Column.words("our verdict", (one.runs.verdict + " stale" * one.runs.stale for one in judged), "verdict"),
        Column.words("what settles it", (one.runs.command for one in judged), "command"),
    ]
    return Table(name="claims", title="Claims of the papers", columns=columns, notes=notes)


def judge_published(claim: Claim, published: Published) -> Verdict:
    """Return the verdict that the printed numbers allow, as if the two sides had answered different questions.

    No pairing can make that worse; other training seeds are not covered. A score in [0, 1] with mean p varies by at
    most p(1 - p), so a cell's variance is at most p(1 - p)/questions; where the paper tells the spread of repeated
    evaluations, that is used. Several rows of one side answer the same questions: averaging them removes nothing.

    Raises:
        ConfigError: the claim names a table, row or column that does not exist.
    """
    sides = claim.published
    arm = _rows(sides.table, sides.arm, published)
    others = _rows(sides.baseline_table or sides.table, sides.baseline, published) if sides.baseline else []
    apart = [[row] for row in others] if claim.direction == "best" else [others]
    quantile = NormalDist().inv_cdf(1 - LEVEL / 2 / len(apart))
    found = [_published_difference(sides, arm, other) for other in apart]
    differences = tuple(Estimate(value=d, low=d - quantile * se, high=d + quantile * se, p=0.0) for d, se in found)
    return Verdict(verdict=decide(claim, differences), differences=differences)


def judge_store(claim: Claim, store: Path, read: Callable[[Path, str], Runs] = read_and_mark_stale) -> Verdict:
    """Return the verdict of the runs in `store`, or the reason if they are damaged or cannot be compared.

    Args:
        read: gives the runs of an ablation, if they are not to be read anew for every claim.

    Raises:
        ConfigError: the claim names a row that the ablation does not have.
    """
    sides, ours = claim.runs, Store(store)
    if sides is None or sides.ablation not in ablations():
        return Verdict(verdict="waiting", command=f"no ablation yet: {sides.ablation if sides else claim.needs}")
    name = sides.ablation
    try:
        plan = load_plan(ours, name) if name in planned(ours) else Plan(ablation=name, points=())
        rows = [*read_ablation(name).arms, *plan.labels]
        for label in (*sides.arm, *sides.baseline):
            if label not in rows:
                raise ConfigError(f"claim {claim.name}: {label!r} is no row of {name}; {nearest(label, rows)}")
        if not plan.points:
            return Verdict(verdict="not run", command=sweep_command(plan, store))
        return judge_runs(claim, sides, read(store, name))
    except (ArtifactError, DataError, FeasibilityError) as error:
        notes = (f"{name} cannot be judged: {error}",)
        return Verdict(verdict="cannot be judged", command=command(ours, "report", name), notes=notes)


def judge_runs(claim: Claim, rows: RunSides, runs: Runs) -> Verdict:
    """Return the verdict of these runs.

    Args:
        rows: that the claim compares.
    """
    sides = [rows.arm, *([[label] for label in rows.baseline] if claim.direction == "best" else [rows.baseline])]
    runs = restated(runs) if rows.of else runs
    average, used = _average(rows, runs), {*rows.arm, *rows.baseline}
    arms = arms_of(runs, average)
    if not used <= arms.keys():
        what = f"{', '.join(rows.of)} at length {rows.length}" if rows.of else f"length {rows.length}"
        lacks = f"{rows.ablation}: {what} is not evaluated, only {', '.join(runs.lengths)}."
        notes = (lacks,) if runs.lengths and not average else ()
        return Verdict(verdict="not run", command=sweep_command(runs.plan, runs.store), notes=notes)
    arm, *others = [_averaged([arms[label] for label in side]) for side in sides]
    found = corrected({number: difference(arm, other) for number, other in enumerate(others)})
    differences = tuple(one for one in found.values() if one)
    verdict, store = decide(claim, differences), Store(runs.store or Path("store"))
    settles = "power" if verdict == "too small to tell" else "report"
    return Verdict(
        verdict=verdict,
        differences=differences,
        runs=tuple(step for side in sides for label in side for one in runs.of(label) for step in one.steps),
        command=command(store, settles, rows.ablation, config_dir=runs.plan.config_dir),
        notes=tuple(f"{rows.ablation}: {note}" for note in trust_notes(runs)),
        stale=not used.isdisjoint(runs.stale),
    )


def _smallest(found: Verdict) -> TableCell:
    """Return the smallest lead: a claim against several rows hangs on it."""
    one = min(found.differences, key=lambda one: one.value, default=None)
    return TableCell.estimate(one, format_difference(one)) if one else TableCell()


def _rows(table: str, where: Mapping[str, Sequence[str]], published: Published) -> Rows:
    """Return the rows of every choice of texts."""
    choices = (dict(zip(where, texts, strict=True)) for texts in product(*where.values()))
    return [row for each in choices for row in published.rows(table, each)]


def _published_difference(sides: PublishedSides, arm: Rows, baseline: Rows) -> tuple[float, float]:
    """Return the mean difference and the standard error of an unpaired comparison, in the unit of scores."""
    both = filter(None, (arm, baseline))
    means = [[mean_of(sides.table, rows, column) for column in sides.columns] for rows in both]
    value = (fmean(means[0]) - (fmean(means[1]) if baseline else 0.0)) / 100
    if sides.noise:
        return value, sides.noise / 100 * 2**0.5
    shares = [[min(max(mean / 100, 0.0), 1.0) for mean in each] for each in means]
    variances = [share * (1 - share) / n for each in shares for share, n in zip(each, sides.questions, strict=True)]
    return value, sum(variances) ** 0.5 / len(sides.columns)


def _average(rows: RunSides, runs: Runs) -> Average:
    """Return the weights of the cells for which the names stand; empty if they were not evaluated."""
    cells = [cell for cell in runs.cells if not rows.of or _names(cell, runs) & set(rows.of)]
    if set(rows.of) - {name for cell in cells for name in _names(cell, runs)}:
        return {}
    at = {cell.length for cell in cells}
    if rows.length == "overall":
        return headline(cells, [each for each in runs.overall if each in at or not rows.of]) if cells else {}
    lengths = [each for each in runs.lengths if each in at]
    trained = runs.plan.suite.get("trained") or ""
    beyond = [each for each in lengths if trained and size(each) > size(trained)]
    wanted = {"shortest": lengths[:1], "trained": [trained], "beyond": beyond}.get(rows.length, [rows.length])
    return headline([cell for cell in cells if cell.length in wanted], wanted) if wanted and at >= set(wanted) else {}


def _names(cell: Cell, runs: Runs) -> set[str]:
    """Return the names by which a claim may mean a cell."""
    return {cell.task, cell.benchmark, runs.plugins.get(cell.benchmark, cell.benchmark)}


def _averaged(arms: Sequence[ArmScores]) -> ArmScores:
    """Return the mean of several arms, run by run, so that what differs between them is no spread of seeds.

    Every arm has the same weight: of those with more runs the first ones count.
    """
    import numpy as np

    runs = min(len(arm.values) for arm in arms)
    return ArmScores(arms[0].questions, np.mean([arm.values[:runs] for arm in arms], axis=0))

"""The claims of the papers, one file each, and the verdict of differences on them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import msgspec

from mmprolong.config.decode import decode
from mmprolong.config.groups import CLAIMS, files_in, named
from mmprolong.errors import ConfigError, InvalidSettings, Problem
from mmprolong.reporting.statistics.intervals import Estimate

Judgement = Literal["supported", "contradicted", "too small to tell", "not run", "waiting", "cannot be judged"]
"""`waiting`: there is no ablation of it yet. `cannot be judged`: its results are damaged, or not comparable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSides:
    """The place of the paper's numbers and the number of questions they rest on."""

    table: str
    """File in analysis/published."""
    arm: dict[str, list[str]]
    """Column -> texts: the rows on the one side; several are averaged."""
    baseline: dict[str, list[str]] = field(default_factory=dict)
    """The other side; empty where the paper prints differences."""
    baseline_table: str = ""
    """Where the other side stands; empty: in the same table."""
    columns: list[str]
    """Cells; several are averaged."""
    questions: list[int] = field(default_factory=list)
    """Of each column."""
    noise: float = 0.0
    """Standard deviation of a number over repeated evaluations, if the paper gives it [points]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSides:
    """The runs of ours that answer the claim."""

    ablation: str
    arm: list[str]
    """Labels; the runs of several are averaged."""
    baseline: list[str]
    of: list[str] = field(default_factory=list)
    """Benchmarks, by plug-in, or tasks whose mean it is; none: the headline's."""
    length: str = "overall"
    """`overall`; a length; `shortest`, `trained` (the longest that training covers), or `beyond` (longer than it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of a paper about a difference."""

    claim: str
    source: str
    """Paper and table."""
    metric: str
    conditions: str
    """Model, data, budget, lengths, number of runs."""
    direction: Literal["higher", "lower", "alike", "not_lower", "best"]
    """`alike` and `not_lower` within `margin`; `best` is higher than each row of the other side."""
    size: float
    """Difference as printed [points]."""
    margin: float = 0.0
    """Largest size that counts as no difference [points]."""
    published: PublishedSides
    runs: RunSides | None = None
    """None: there is no ablation of it yet."""
    needs: str = ""
    """Requirements of an ablation of it."""
    name: str = ""
    """Of its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict of printed numbers, or of runs, on a claim."""

    verdict: Judgement
    differences: tuple[Estimate, ...] = ()
    """To each row of the other side; one where that side is averaged."""
    runs: tuple[str, ...] = ()
    """Ids of the score steps that were used."""
    command: str = ""
    """The command that would settle it, or that prints the table behind a settled claim."""
    notes: tuple[str, ...] = ()
    """Limits of the runs; of a claim that is not judged, the reason."""
    stale: bool = False
    """Rows that were used are not those that the ablation would plan today."""


def decide(claim: Claim, differences: Sequence[Estimate]) -> Judgement:
    """Return the verdict: a claim is supported by all differences together, and contradicted by any."""
    supported, contradicted = zip(*(_judge_difference(claim, one) for one in differences), strict=True)
    return "supported" if all(supported) else "contradicted" if any(contradicted) else "too small to tell"


def read_claims(names: Iterable[str] = ()) -> list[Claim]:
    """Return the claims of `analysis/claims`, by file name.

    Args:
        names: these alone; empty: all.

    Raises:
        ConfigError: a file is no claim, or a name is unknown.
    """
    return [_read(named(CLAIMS, name, "claim")) for name in (names or files_in(CLAIMS))]


def _judge_difference(claim: Claim, one: Estimate) -> tuple[bool, bool]:
    """Return whether a difference supports a claim, and whether it contradicts it."""
    margin, above, below = claim.margin / 100, one.significant and one.low > 0, one.significant and one.high < 0
    return {
        "higher": (above, below),
        "best": (above, below),
        "lower": (below, above),
        "not_lower": (one.low > -margin, one.high < -margin),
        "alike": (-margin < one.low and one.high < margin, one.low > margin or one.high < -margin),
    }[claim.direction]


def _read(path: Path) -> Claim:
    try:
        claim = replace(decode(msgspec.yaml.decode(path.read_bytes()), Claim), name=path.stem)
        if problems := list(_problems(claim)):
            raise InvalidSettings(*problems)
    except (msgspec.DecodeError, InvalidSettings) as error:
        raise ConfigError(f"{path}: {error}; expected a claim") from error
    return claim


def _problems(claim: Claim) -> Iterator[Problem]:
    sides = claim.published
    if claim.direction in ("alike", "not_lower") and claim.margin <= 0:
        yield Problem("margin", f"{claim.margin}; say how many points count as no difference")
    if len(sides.questions) != len(sides.columns) and not (sides.noise > 0 and not sides.questions):
        yield Problem("published.questions", f"{sides.questions}; give one number for each column, or noise")

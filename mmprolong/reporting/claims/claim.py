"""The claims of the papers, one file each, and whether a difference supports them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mmprolong.config.groups import CLAIMS, files_in, named
from mmprolong.errors import ConfigError, nearest
from mmprolong.evaluation.lengths import size
from mmprolong.reporting.tables.agreement import UNCLEAR

SUPPORTED, CONTRADICTED, NOT_RUN = "supported", "contradicted", "not run"
UNJUDGED = "cannot be judged"
"""Verdict where there are results that must not be judged: damaged, or not comparable."""
HIGHER, LOWER, ALIKE, NOT_LOWER, BEST = "higher", "lower", "alike", "not_lower", "best"
LENGTHS = ("overall", "shortest", "trained", "beyond")
"""Lengths by their role."""
DIRECTIONS = (HIGHER, LOWER, ALIKE, NOT_LOWER, BEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """Where the paper's numbers stand and how many questions they rest on."""

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
    """Standard deviation of a number when its evaluation is repeated, where the paper says it [points]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Which runs of ours answer the claim."""

    ablation: str
    arm: list[str]
    """Labels; the runs of several are taken together."""
    baseline: list[str]
    length: str = "overall"
    """`overall`; a length; `shortest`, `trained` (the longest that training covers), or `beyond` (longer than it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a paper says about a difference."""

    name: str = ""
    """Of its file."""
    claim: str
    source: str
    """Paper and table."""
    metric: str
    conditions: str
    """Model, data, budget, lengths, number of runs."""
    direction: str
    """higher, lower; alike or not_lower, within `margin`; best, that is higher than each row of the other side."""
    size: float
    """Difference as printed [points]."""
    margin: float = 0.0
    """What counts as no difference [points]."""
    printed: Printed
    ours: Ours | None = None
    """None: there is no ablation of it yet."""
    needs: str = ""
    """What an ablation of it would need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference with its 95 % interval [points]."""

    value: float
    low: float
    high: float
    clear: bool = True
    """Whether it is told apart from 0 by p, too, after Holm's correction over those of the claim; print has no p."""


def read_claims(names: Iterable[str] = ()) -> list[Claim]:
    """The claims of `analysis/claims`, by file name.

    Args:
        names: these alone; empty: all.

    Raises:
        ConfigError: a file is no claim, or a name is unknown.
    """
    return [_read(named(CLAIMS, name, "claim")) for name in (names or files_in(CLAIMS))]


def verdict(claim: Claim, differences: list[Difference]) -> str:
    """What measured differences say of a claim; `best` takes several, all others one."""
    if claim.direction == BEST:
        if any(one.high < 0 and one.clear for one in differences):
            return CONTRADICTED
        return SUPPORTED if all(one.low > 0 and one.clear for one in differences) else UNCLEAR
    (one,) = differences
    low, high, margin = one.low, one.high, claim.margin
    supported, contradicted = {
        HIGHER: (low > 0 and one.clear, high < 0 and one.clear),
        LOWER: (high < 0 and one.clear, low > 0 and one.clear),
        NOT_LOWER: (low > -margin, high < -margin),
        ALIKE: (low > -margin and high < margin, low > margin or high < -margin),
    }[claim.direction]
    return SUPPORTED if supported else CONTRADICTED if contradicted else UNCLEAR


def smallest_lead(differences: Iterable[Difference]) -> Difference:
    """Of a claim against several rows the one on which it hangs: it holds against all of them, and falls with one."""
    return min(differences, key=lambda one: one.value)


def _read(path: Path) -> Claim:
    try:
        block: Mapping[str, object] = msgspec.yaml.decode(path.read_bytes(), type=dict)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}; expected a claim") from error
    unknown = [key for key in block if key not in Claim.__dataclass_fields__ or key == "name"]
    if unknown:
        raise ConfigError(f"{path}: {unknown[0]!r} is unknown; {nearest(unknown[0], Claim.__dataclass_fields__)}")
    try:
        claim = msgspec.convert({**block, "name": path.stem}, Claim)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
    if claim.direction not in DIRECTIONS:
        raise ConfigError(f"{path}: direction {claim.direction!r}; {nearest(claim.direction, DIRECTIONS)}")
    if claim.direction in (ALIKE, NOT_LOWER) and claim.margin <= 0:
        raise ConfigError(f"{path}: {claim.direction} without margin; say how many points count as no difference")
    if not claim.printed.questions and claim.printed.noise <= 0:
        raise ConfigError(f"{path}: printed: has neither questions nor noise; say how many questions each column has")
    if len(claim.printed.questions) not in (0, len(claim.printed.columns)):
        raise ConfigError(f"{path}: {len(claim.printed.questions)} numbers of questions; one for each column")
    if claim.ours is not None and claim.ours.length not in LENGTHS:
        _require_length(path, claim.ours.length)
    return claim


def _require_length(path: Path, name: str) -> None:
    try:
        size(name)
    except ConfigError as error:
        what = f"ours.length: {name!r} is no length such as '4x' or '64K', and no role of one"
        raise ConfigError(f"{path}: {what}; {nearest(name, LENGTHS)}") from error

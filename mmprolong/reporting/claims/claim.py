"""The claims of the papers, one file each, and whether differences support them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import msgspec

from mmprolong.config.groups import CLAIMS, files_in, named
from mmprolong.errors import ConfigError, nearest
from mmprolong.evaluation.lengths import is_length
from mmprolong.reporting.tables.published import UNCLEAR

SUPPORTED, CONTRADICTED, NOT_RUN = "supported", "contradicted", "not run"
WAITING = "waiting"
"""There is no ablation of it yet."""
UNJUDGED = "cannot be judged"
"""There are results that must not be judged: damaged, or not comparable."""
LENGTHS = ("overall", "shortest", "trained", "beyond")
"""Lengths by their role."""


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
    """Standard deviation of a number when its evaluation is repeated, where the paper says it [points]."""

    def __post_init__(self) -> None:
        if len(self.questions) != len(self.columns) and not (self.noise > 0 and not self.questions):
            raise ValueError(f"{len(self.questions)} numbers of questions; one for each column, or noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSides:
    """The runs of ours that answer the claim."""

    ablation: str
    arm: list[str]
    """Labels; the runs of several are taken together."""
    baseline: list[str]
    length: str = "overall"
    """`overall`; a length; `shortest`, `trained` (the longest that training covers), or `beyond` (longer than it)."""

    def __post_init__(self) -> None:
        if self.length not in LENGTHS and not is_length(self.length):
            raise ValueError(
                f"length {self.length!r} is neither '4x' or '64K' nor a role; {nearest(self.length, LENGTHS)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of a paper about a difference."""

    name: str = ""
    """Of its file."""
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

    def __post_init__(self) -> None:
        if self.direction in ("alike", "not_lower") and self.margin <= 0:
            raise ValueError(f"{self.direction} without margin; say how many points count as no difference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference with its 95 % interval [points]."""

    value: float
    low: float
    high: float
    clear: bool = True
    """It is told apart from 0 after Holm's correction over those of the claim; print has no p."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict of printed numbers, or of runs, on a claim."""

    verdict: str
    differences: tuple[Difference, ...] = ()
    runs: tuple[str, ...] = ()
    """Ids of the score steps that were used."""
    command: str = ""
    """The command that would settle it, or that prints the table behind a settled claim."""
    notes: tuple[str, ...] = ()
    """Limits of the runs; of a claim that is not judged, the reason."""
    stale: bool = False
    """Rows that were used are not those that the ablation would plan today."""


def read_claims(names: Iterable[str] = ()) -> list[Claim]:
    """Return the claims of `analysis/claims`, by file name.

    Args:
        names: these alone; empty: all.

    Raises:
        ConfigError: a file is no claim, or a name is unknown.
    """
    return [_read(named(CLAIMS, name, "claim")) for name in (names or files_in(CLAIMS))]


def decide(claim: Claim, differences: Sequence[Difference]) -> str:
    """Return the verdict of measured differences on a claim; `best` takes several, all others one."""
    low, high = (min(one.low for one in differences), min(one.high for one in differences))
    clear, margin = all(one.clear for one in differences), claim.margin
    if claim.direction == "best":
        fallen = any(one.high < 0 and one.clear for one in differences)
        return SUPPORTED if low > 0 and clear else CONTRADICTED if fallen else UNCLEAR
    supported, contradicted = {
        "higher": (low > 0 and clear, high < 0 and clear),
        "lower": (high < 0 and clear, low > 0 and clear),
        "not_lower": (low > -margin, high < -margin),
        "alike": (low > -margin and high < margin, low > margin or high < -margin),
    }[claim.direction]
    return SUPPORTED if supported else CONTRADICTED if contradicted else UNCLEAR


def smallest_lead(differences: Iterable[Difference]) -> Difference:
    """Return the difference on which a claim against several rows hangs: it holds against all, and falls with one."""
    return min(differences, key=lambda one: one.value)


def _read(path: Path) -> Claim:
    from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

    try:
        kind = TypeAdapter(with_config(ConfigDict(extra="forbid"))(Claim))
        return replace(kind.validate_python(msgspec.yaml.decode(path.read_bytes())), name=path.stem)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}; expected a claim") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        unknown = first["type"] == "unexpected_keyword_argument"
        says = f"unknown; {nearest(key, Claim.__dataclass_fields__)}" if unknown else first["msg"]
        raise ConfigError(f"{path}: {key or 'claim'}: {says}") from error

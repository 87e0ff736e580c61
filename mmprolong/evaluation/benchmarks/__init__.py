"""Benchmarks: plug-ins that give questions, and say how their marks become the official number."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import ClassVar, Protocol

from mmprolong.errors import ConfigError
from mmprolong.plugins import Choice
from mmprolong.records import Reject, Sample, Score


@dataclass(frozen=True, slots=True)
class Inputs:
    """Sources of questions."""

    synthesis: Path | None = None
    """Folder of the finished synthesis step whose examples are asked about."""
    data_root: Path | None = None
    """Folder in which the data sets of public benchmarks lie."""
    scores: Path | None = None
    """Folder of the finished score step of an earlier benchmark, whose marks say where more is to be asked."""


class Benchmark(Protocol):
    """A source of questions."""

    version: ClassVar[int]
    scorer: ClassVar[Choice]
    """Scorer of its official marks without a judge; empty: there is none, or it is that of other questions."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, always in the same order.

        Args:
            name: of the benchmark in the suite; its samples carry it.

        Raises:
            ConfigError: an input is missing.
        """
        ...

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the benchmark's official numbers, in [0, 1], by name."""
        ...


@dataclass(frozen=True, slots=True)
class DataSet:
    """A public data set that a user puts into the data root."""

    title: str
    licence: str
    home: str
    """Address where it is published."""

    def file(self, inputs: Inputs, path: str) -> Path:
        """Return a file or folder of the data set.

        Raises:
            ConfigError: it is not there; names data set, licence and what is expected.
        """
        if inputs.data_root is None:
            raise ConfigError(f"suite.data_root: empty; name the folder that holds {path} of {self}")
        found = inputs.data_root / path
        if not found.exists():
            raise ConfigError(f"suite.data_root: {found} is not there; put {path} of {self} into {inputs.data_root}")
        return found

    def __str__(self) -> str:
        return f"{self.title} (licence {self.licence}, {self.home})"


def macro_and_micro(scores: Sequence[Score]) -> dict[str, float]:
    """Return `macro`, the mean over lengths of the mean over tasks, and `micro`, the mean over questions.

    Source: arXiv 2605.13831, appendix B.1 (macro).
    """
    lengths: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        lengths[score.length][score.task].append(score.value)
    macro = fmean(fmean(map(fmean, tasks.values())) for tasks in lengths.values())
    return {"macro": macro, "micro": fmean(score.value for score in scores)}


def answered(scores: Sequence[Score]) -> float:
    """Return the mean over the replies of which an answer was parsed: the others leave the denominator."""
    return fmean([score.value for score in scores if score.parsed] or [0.0])


def nominal_pages(images: int) -> str:
    """Return the power of two that holds `images`, as a length ('64p')."""
    return f"{1 << max(images - 1, 0).bit_length()}p"

"""MMLongBench v1.1 as a whole: its five groups of tasks as one benchmark, with the mean that its paper reports."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar, Literal

from mmprolong.evaluation.benchmarks import Benchmark, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._mmlongbench import Released, Sampling
from mmprolong.evaluation.benchmarks.mmlongbench_docqa import MMLongBenchDocQA
from mmprolong.evaluation.benchmarks.mmlongbench_icl import MMLongBenchICL
from mmprolong.evaluation.benchmarks.mmlongbench_niah import FILES, MMLongBenchNIAH, Needles
from mmprolong.evaluation.benchmarks.mmlongbench_summ import MMLongBenchSumm
from mmprolong.evaluation.benchmarks.mmlongbench_vrag import MMLongBenchVRAG
from mmprolong.plugins import Choice
from mmprolong.records import Reject, Sample, Score

Group = Literal["vrag", "niah", "icl", "summ", "docqa"]
_NEEDLES: tuple[Needles, ...] = (*MMLongBenchNIAH.sets, "vh_single", "vh_multi")


@dataclass(frozen=True)
class MMLongBenchWhole:
    """All groups of tasks; the scorer of the same name marks each by its rule.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/figure_scripts/utils.py (custom_avgs).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mmlongbench"
    groups: tuple[Group, ...] = ("vrag", "niah", "icl", "summ", "docqa")
    lengths: tuple[Released, ...] = ("128K",)
    sampling: Sampling = "all"
    """`official`: as many questions of each file as the papers' numbers have."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, group by group.

        Raises:
            ConfigError: a file, or the folder of the images, is not in the data root.
        """
        for group in self.groups:
            yield from self._group(group).samples(name, inputs)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the mean of each group; `groups`, the mean of these, is the official number."""
        by_group: dict[str, list[Score]] = defaultdict(list)
        for score in scores:
            by_group[group_of(score.task)].append(score)
        means = {group: self._mean(group, found) for group, found in by_group.items()}
        return {**macro_and_micro(scores), **means, "groups": fmean(means.values())}

    def _mean(self, group: str, scores: Sequence[Score]) -> float:
        means = self._group(group).aggregate(scores)
        return means.get("families", means["macro"])

    def _group(self, group: str) -> Benchmark:
        """Return the benchmark of a group."""
        if group == "niah":
            return MMLongBenchNIAH(sets=_NEEDLES, lengths=self.lengths, sampling=self.sampling)
        kinds = {"vrag": MMLongBenchVRAG, "icl": MMLongBenchICL, "summ": MMLongBenchSumm, "docqa": MMLongBenchDocQA}
        return kinds[group](lengths=self.lengths, sampling=self.sampling)


def group_of(task: str) -> str:
    """Return the group of a data set."""
    if task in FILES:
        return "niah"
    sets = {"vrag": MMLongBenchVRAG.sets, "icl": MMLongBenchICL.sets, "summ": MMLongBenchSumm.sets}
    return next((group for group, tasks in sets.items() if task in tasks), "docqa")

"""Sensitivity to pages: questions with all pages, without those of the evidence, and without as many others."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from statistics import fmean
from typing import ClassVar

import msgspec

from mmprolong import plugins
from mmprolong.conversations import Conversation, Image, Message, flat, images_of
from mmprolong.evaluation.benchmarks import Benchmark, Inputs
from mmprolong.evaluation.evidence import quarter_of
from mmprolong.plugins import Choice
from mmprolong.records import PROBE, Reject, Sample, Score

BENCHMARKS = "mmprolong.evaluation.benchmarks"
WHOLE, EVIDENCE, DISTRACTORS = "whole", "without evidence", "without distractors"


@dataclass(frozen=True)
class PageDrop:
    """The questions of `of` that have evidence pages, each three times.

    An answer that rests on its evidence falls without it (evidence-drop), and stays without as many other pages
    (distractor-drop). What stands between images stays: both variants lose the same number of pages alone.

    All three are probes: they are cells of their own, and no mean over a suite's other questions holds them.
    """

    version: ClassVar[int] = 2
    scorer: ClassVar[Choice] = ""
    of: Choice = field(default="mmlongbench_doc", metadata={"plugin": BENCHMARKS})
    seed: int = 0
    """Draws the distractors, with the question's id."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the variants of each question; one with too few other pages is refused.

        Raises:
            ConfigError: an input is missing.
        """
        asked: Benchmark = plugins.make(BENCHMARKS, self.of, f"suite.benchmarks.{name}.benchmark.of")
        for item in asked.samples(name, inputs):
            if isinstance(item, Reject):
                yield item
            elif item.gold.evidence:
                yield from self._variants(item)

    def _variants(self, sample: Sample) -> Iterator[Sample | Reject]:
        evidence = set(sample.gold.evidence)
        others = sorted({*range(sum(1 for _ in images_of(sample.prompt)))} - evidence)
        if len(others) <= len(evidence):
            detail = f"{len(evidence)} pages of evidence, {len(others)} others"
            yield Reject(what=sample.id, reason="too few other pages", detail=detail)
            return
        drawn = random.Random(f"{self.seed}/{sample.id}").sample(others, len(evidence))
        for variant, dropped in ((WHOLE, set[int]()), (EVIDENCE, evidence), (DISTRACTORS, {*drawn})):
            kept = [place for place in sorted({*evidence, *others}) if place not in dropped]
            left = tuple(kept.index(place) for place in sorted(evidence - dropped))
            yield msgspec.structs.replace(
                sample,
                id=f"{sample.id}/{variant}",
                task=f"{PROBE}{variant}, {sample.task}",
                prompt=_without(sample.prompt, dropped),
                gold=msgspec.structs.replace(sample.gold, evidence=left),
                facts={**sample.facts, "pages": variant, "of": sample.id},
            )

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the mean with all pages, and how far it falls without evidence and without distractors.

        Both falls also by length and by quarter of depth, such as `evidence_drop 64K`.
        """
        found: dict[str, list[float]] = defaultdict(list)
        by_question: dict[str, dict[str, Score]] = defaultdict(dict)
        for score in scores:
            by_question[str(score.facts["of"])][str(score.facts["pages"])] = score
        for variants in by_question.values():
            whole = variants[WHOLE]
            found[WHOLE].append(whole.value)
            for name, variant in (("evidence_drop", EVIDENCE), ("distractor_drop", DISTRACTORS)):
                for group in ("", f" {whole.length}", f" {quarter_of(whole.facts)}"):
                    found[f"{name}{group}".strip()].append(whole.value - variants[variant].value)
        return {name: fmean(values) for name, values in found.items()}


def _without(prompt: Conversation, dropped: Set[int]) -> Conversation:
    """Return a prompt without the images at some places."""
    place = -1
    messages = []
    for message in prompt:
        kept = []
        for part in flat(message.parts):
            place += isinstance(part, Image)
            if not (isinstance(part, Image) and place in dropped):
                kept.append(part)
        messages.append(Message(message.role, tuple(kept)))
    return tuple(messages)

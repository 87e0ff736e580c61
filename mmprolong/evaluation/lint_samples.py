"""Defects of any benchmark's questions, found in what its reader makes of the data set."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import msgspec

from mmprolong import plugins
from mmprolong.conversations import images_of
from mmprolong.evaluation.benchmarks import Benchmark, Inputs
from mmprolong.evaluation.benchmarks._records import DEFECT
from mmprolong.evaluation.scorers import Scorer, conclude
from mmprolong.plugins import Choice
from mmprolong.records import Reject, Sample

BENCHMARKS, SCORERS = "mmprolong.evaluation.benchmarks", "mmprolong.evaluation.scorers"


def lint_benchmark(choice: Choice, data_root: Path, scorer: str = "") -> tuple[int, list[Reject]]:
    """Return the number of a benchmark's questions, and a reject for every defect.

    These are what its reader refuses; what it says of a question that it asks all the same (evidence before the first
    page, beyond the document, or not shown at this length); evidence that is none of the images; questions that stand
    twice; and golds that the scorer does not take for right, however they are written.

    Args:
        data_root: folder in which the data set lies.
        scorer: by which golds are compared with themselves; empty: the benchmark's own.

    Raises:
        ConfigError: there is no such benchmark, scorer or data set.
        DataError: a file is not in the official form.
    """
    benchmark: Benchmark = plugins.make(BENCHMARKS, choice, "--benchmark")
    named = scorer or benchmark.scorer
    marker: Scorer | None = plugins.make(SCORERS, named, "--scorer") if named else None
    count, found, first = 0, list[Reject](), dict[bytes, Sample]()
    for item in benchmark.samples(plugins.split(choice)[0], Inputs(data_root=data_root)):
        if isinstance(item, Reject):
            found.append(item)
            continue
        count += 1
        found += _evidence(item)
        if marker and (best := best_of_gold(marker, item)) < 1:
            detail = f"{item.gold.format} {item.gold.answer!r} scores {best:g} against itself"
            found.append(Reject(what=item.id, reason="gold that cannot score 1", detail=detail))
        before = first.setdefault(_digest(item), item)
        if before is not item:
            same = "the same" if before.gold.answer == item.gold.answer else "another"
            detail = f"as {before.id}, with {same} gold answer"
            found.append(Reject(what=item.id, reason="duplicate question", detail=detail))
    return count, found


def _evidence(sample: Sample) -> Iterator[Reject]:
    for text in filter(None, str(sample.facts.get(DEFECT, "")).split("; ")):
        reason, _, detail = text.partition(": ")
        yield Reject(what=sample.id, reason=reason, detail=detail)
    images = sum(1 for _ in images_of(sample.prompt))
    if beyond := [place for place in sample.gold.evidence if place not in range(images)]:
        yield Reject(what=sample.id, reason="evidence that is no image", detail=f"{beyond} of {images} images")


def _digest(sample: Sample) -> bytes:
    """Return the digest of a prompt without case and spaces; of prompts, because books are large."""
    text = msgspec.json.encode(sample.prompt).decode().casefold()
    return hashlib.sha256("".join(text.split()).encode()).digest()


def best_of_gold(scorer: Scorer, sample: Sample) -> float:
    """Return the best mark, in [0, 1], of the gold answer's spellings; 1 ends the search."""
    best = 0.0
    for reply in spellings(sample.gold.answer):
        best = max(best, conclude(scorer.score(sample, reply)).value)
        if best == 1:
            break
    return best


def spellings(answer: Any) -> Iterator[str]:
    """Yield the ways in which a reply may give an answer: as it is, as a letter, as a list, or one of its items."""
    if isinstance(answer, str):
        yield from (answer, f"The correct answer is ({answer})")
    elif isinstance(answer, bool) or not isinstance(answer, int | list | dict):
        yield str(answer)
    elif isinstance(answer, int):
        yield str(answer)
        yield from ascii_uppercase[answer : answer + 1]
    elif isinstance(answer, dict):  # of MathVista: an option's letter, or the answer
        yield from map(str, reversed(answer.values()))
    elif not answer:
        yield "Not answerable"
    else:
        yield from _spellings_of_list(answer)


def _spellings_of_list(answer: list[Any]) -> Iterator[str]:
    if all(isinstance(each, list) for each in answer):
        firsts = [str(each[0]) for each in answer if each]
        yield ", ".join(firsts)
        if all(len(each) == 2 and isinstance(each[1], int) for each in answer):  # ids and how relevant they are
            yield " > ".join(str(name) for name, _ in sorted(answer, key=lambda pair: -pair[1]))
        return
    yield from map(str, answer)
    yield from (json.dumps(answer), str(answer), ", ".join(map(str, answer)), "\n".join(map(str, answer)))

"""The score stage: every reply judged, then means by length, task and depth. Needs no model."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec

from mmprolong import plugins
from mmprolong.errors import ConfigError, nearest
from mmprolong.records import Reply, Sample, Score, read_jsonl, write_jsonl
from mmprolong.runtime.run_log import RunLog
from mmprolong.settings.stages import ScoreSettings

QUARTERS = ("0-25%", "25-50%", "50-75%", "75-100%")
"""Depths of the evidence."""


def run(settings: ScoreSettings, inputs: Mapping[str, Path], folder: Path, log: RunLog) -> dict[str, Any]:
    """Write `scores.jsonl`; the metrics are the table's numbers.

    Raises:
        ConfigError: the scorer is unknown.
        Interrupted: the step was asked to stop.
    """
    log.rewind(0)
    scores = list(_scores(settings.scorer, inputs["reply"], log))
    write_jsonl(folder / "scores.jsonl", scores)
    for number, score in enumerate(scores):
        log.metrics(msgspec.to_builtins(score), number)
    log.table("scores", _with_replies(scores, inputs["reply"]))
    return metrics(scores, settings.overall)


def _scores(name: str, folder: Path, log: RunLog) -> Iterator[Score]:
    scorer = plugins.load("mmprolong.evaluation.scorers", name, "suite.scorer")
    pairs = zip(read_jsonl(folder / "samples.jsonl", Sample), read_jsonl(folder / "replies.jsonl", Reply), strict=True)
    for sample, reply in pairs:
        log.stop_if_asked()
        value, parsed = scorer.score(reply.text, sample.target)
        yield Score(
            sample=sample.id,
            document=sample.document,
            task=sample.task,
            length=sample.length,
            depth=sample.depth,
            value=value,
            parsed=parsed,
            target=sample.target,
            scorer=f"{name}-{scorer.VERSION}",
        )


def _with_replies(scores: Sequence[Score], folder: Path) -> Iterator[dict[str, Any]]:
    """What a person wants to see of each question: its score and the whole reply."""
    for score, reply in zip(scores, read_jsonl(folder / "replies.jsonl", Reply), strict=True):
        lengths = {"prompt_tokens": reply.prompt_tokens, "reply_tokens": reply.reply_tokens, "cut": reply.cut}
        yield {**msgspec.to_builtins(score), "reply": reply.text, **lengths}


def _by_depth(scores: Sequence[Score]) -> dict[str, float]:
    """Mean value by the quarter of the document in which the evidence begins; empty quarters are absent."""
    quarters: dict[str, list[float]] = defaultdict(list)
    for score in sorted(scores, key=lambda score: score.depth):
        quarters[QUARTERS[min(int(score.depth * 4), 3)]].append(score.value)
    return {quarter: fmean(values) for quarter, values in quarters.items()}


def metrics(scores: Sequence[Score], overall: Sequence[str]) -> dict[str, Any]:
    """Accuracy at each length is the mean over the tasks' means; overall is the mean over the lengths of `overall`.

    Raises:
        ConfigError: `overall` names a length that no sample has.

    Source: arXiv 2605.13831, appendix B.1 (macro mean of the datasets at each length, then of the lengths).
    """
    cells: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        cells[score.length][score.task].append(score.value)
    accuracy = {length: fmean(fmean(values) for values in tasks.values()) for length, tasks in cells.items()}
    unknown = [length for length in overall if length not in accuracy]
    if unknown:
        raise ConfigError(f"suite.overall: {unknown[0]!r} is no length of the suite; {nearest(unknown[0], accuracy)}")
    asked = overall or list(accuracy)
    tasks = sorted({score.task for score in scores})
    return {
        "overall": fmean(accuracy[length] for length in asked),
        "accuracy": accuracy,
        "by_task": {t: {length: fmean(row[t]) for length, row in cells.items() if t in row} for t in tasks},
        "by_depth": {length: _by_depth([each for each in scores if each.length == length]) for length in cells},
        "n": {length: sum(map(len, row.values())) for length, row in cells.items()},
        "documents": len({score.document for score in scores}),
    }

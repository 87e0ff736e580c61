"""The score stage: every reply judged, then means by length, task and depth. Needs no model."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

import msgspec

from mmprolong import plugins
from mmprolong.errors import DataError, RequestFailed
from mmprolong.evaluation.average import headline
from mmprolong.evaluation.benchmarks import Benchmark
from mmprolong.evaluation.scorers import Scorer, conclude
from mmprolong.llm.budget import Budget
from mmprolong.llm.chat.openai import OpenAIChat
from mmprolong.llm.flows import drive
from mmprolong.llm.ledger import Ledger
from mmprolong.llm.requests import Flow
from mmprolong.records import Cell, Mark, Reject, Reply, Sample, Score
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import ScoreSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl

QUARTERS = ("0-25%", "25-50%", "50-75%", "75-100%")
"""Depths of the evidence."""


def run(settings: ScoreSettings, work: Work) -> dict[str, Any]:
    """Write scores.jsonl; the metrics are the table's numbers.

    Raises:
        DataError: replies and samples do not belong together.
        Interrupted: the step was asked to stop.
    """
    log = work.log
    log.rewind(0)
    scores = list(_scores(settings, work))
    write_jsonl(work.out / "scores.jsonl", scores)
    for number, score in enumerate(scores):
        log.metrics(msgspec.to_builtins(score), number)
    log.table("scores", _with_replies(scores, work))
    benchmark: Benchmark = plugins.make("mmprolong.evaluation.benchmarks", settings.benchmark, "benchmark")
    return {**metrics(scores, settings.overall), "official": benchmark.aggregate(scores)}


def metrics(scores: Sequence[Score], overall: Sequence[str]) -> dict[str, Any]:
    """Return the means of one benchmark.

    Accuracy at each length is the mean over the tasks' means; overall is the mean over those lengths of `overall` that
    the benchmark has, and over all of its own if it has none of them.

    Source: arXiv 2605.13831, appendix B.1 (macro mean of the datasets at each length, then of the lengths).
    """
    cells: dict[Cell, list[float]] = defaultdict(list)
    for score in scores:
        cells[score.cell].append(score.value)
    means = {cell: fmean(values) for cell, values in cells.items()}
    lengths = list(dict.fromkeys(cell.length for cell in cells))
    tasks = sorted({cell.task for cell in cells})
    average = headline(cells, [length for length in overall if length in lengths])
    return {
        "overall": sum(weight * means[cell] for cell, weight in average.items()),
        "accuracy": {length: fmean(means[cell] for cell in cells if cell.length == length) for length in lengths},
        "by_task": {task: {cell.length: means[cell] for cell in cells if cell.task == task} for task in tasks},
        "by_depth": {length: _by_depth([each for each in scores if each.length == length]) for length in lengths},
        "n": {length: sum(len(cells[cell]) for cell in cells if cell.length == length) for length in lengths},
        "documents": len({score.cluster for score in scores}),
        "malformed": sum(score.malformed for score in scores),
    }


def _scores(settings: ScoreSettings, work: Work) -> Iterator[Score]:
    scorer: Scorer = plugins.make("mmprolong.evaluation.scorers", settings.scorer, "scorer")
    samples = list(read_jsonl(work.inputs["samples"] / "samples.jsonl", Sample))
    replies = {reply.sample: reply for reply in read_jsonl(work.inputs["reply"] / "replies.jsonl", Reply)}
    for sample, mark in zip(samples, _marks(settings, scorer, samples, replies, work), strict=True):
        work.log.stop_if_asked()
        yield Score(
            sample=sample.id,
            benchmark=sample.benchmark,
            task=sample.task,
            length=sample.length,
            cluster=sample.cluster,
            target=str(sample.gold.answer),
            facts=sample.facts,
            **asdict(mark),
        )


def _marks(
    settings: ScoreSettings, scorer: Scorer, samples: Sequence[Sample], replies: Mapping[str, Reply], work: Work
) -> Iterator[Mark]:
    """Yield the mark of each reply; a refused prompt is 0 and counted, a reply that the judge cannot mark is an error.

    Raises:
        DataError: replies have no mark; names the first and how many.
    """
    refused = {one.what: one for one in read_jsonl(work.inputs["reply"] / "rejects.jsonl", Reject)}
    if replies.keys() | refused.keys() != {sample.id for sample in samples}:
        raise DataError(f"{work.inputs['reply']}: its replies are not to the questions of {work.inputs['samples']}")
    flows = (
        _refused(refused[sample.id]) if sample.id in refused else scorer.score(sample, replies[sample.id].text)
        for sample in samples
    )
    if settings.judge is None:
        yield from map(conclude, flows)
        return
    ledger = Ledger(work.store, settings.judge.model)
    chat = OpenAIChat(settings.judge)
    failed: list[RequestFailed] = []
    for mark in drive(flows, chat, ledger, Budget(settings.judge, ledger), settings.judge.at_once):
        if isinstance(mark, RequestFailed):
            failed.append(mark)
        else:
            yield mark
    if failed:
        raise DataError(
            f"{settings.judge.model}: {len(failed)} of {len(samples)} replies have no verdict, the first: {failed[0]}; "
            "run again, only these are asked"
        )


def _refused(reject: Reject) -> Flow[Mark]:
    yield from ()
    return Mark(value=0.0, reason=f"{reject.reason}: {reject.detail}")


def _with_replies(scores: Sequence[Score], work: Work) -> Iterator[dict[str, Any]]:
    """Yield what a person wants to see of each question: its score and the whole reply."""
    replies = {reply.sample: reply for reply in read_jsonl(work.inputs["reply"] / "replies.jsonl", Reply)}
    for score in scores:
        if score.sample not in replies:
            continue
        reply = replies[score.sample]
        lengths = {"prompt_tokens": reply.prompt_tokens, "reply_tokens": reply.reply_tokens, "cut": reply.cut}
        yield {**msgspec.to_builtins(score), "reply": reply.text, **lengths}


def _by_depth(scores: Sequence[Score]) -> dict[str, float]:
    """Return the mean by the quarter of the document in which the evidence begins; empty quarters are absent."""
    quarters: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        if "depth" in score.facts:
            quarters[QUARTERS[min(int(float(score.facts["depth"]) * 4), 3)]].append(score.value)
    return {quarter: fmean(quarters[quarter]) for quarter in QUARTERS if quarter in quarters}

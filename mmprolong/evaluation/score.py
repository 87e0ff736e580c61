"""The score stage: every reply judged, then means by length, task and depth. Needs no model."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import fmean
from typing import Any

import msgspec

from mmprolong import plugins
from mmprolong.errors import DataError
from mmprolong.evaluation.average import cell_means, headline, weighted_mean
from mmprolong.evaluation.benchmarks import Benchmark
from mmprolong.evaluation.evidence import QUARTERS, evidence_marks, evidence_means, quarter_of
from mmprolong.evaluation.items import FILE, write_items
from mmprolong.evaluation.judging import JUDGE, Judging, judge_all
from mmprolong.evaluation.scorers import Scorer
from mmprolong.llm.requests import Flow
from mmprolong.records import Cell, Mark, Reject, Reply, Sample, Score
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import ScoreSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl


def run(settings: ScoreSettings, work: Work) -> dict[str, Any]:
    """Write scores.jsonl and items.parquet; the metrics are the table's numbers.

    Raises:
        DataError: replies and samples do not belong together.
        Interrupted: the step was asked to stop.
    """
    log = work.log
    log.rewind(0)
    samples = list(read_jsonl(work.inputs["samples"] / "samples.jsonl", Sample))
    replies = {reply.sample: reply for reply in read_jsonl(work.inputs["reply"] / "replies.jsonl", Reply)}
    judging = _judge(settings, samples, replies, work)
    scores = [_score(*one, replies) for one in zip(samples, judging.marks, strict=True)]
    write_jsonl(work.out / "scores.jsonl", scores)
    write_items(work.out / FILE, samples, scores, replies, settings)
    for number, score in enumerate(scores):
        log.metrics(msgspec.to_builtins(score), number)
    log.table("scores", _with_replies(scores, replies))
    benchmark: Benchmark = plugins.make("mmprolong.evaluation.benchmarks", settings.benchmark, "benchmark")
    found = {**metrics(scores, settings.overall), "official": benchmark.aggregate(scores)}
    return {**found, "judges": judging.judges} if judging.judges else found


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
        "unparsed": sum(score.unparsed for score in scores),
        "columns": _columns(scores),
        "evidence": evidence_means(scores),
    }


def _columns(scores: Sequence[Score]) -> dict[str, dict[str, float]]:
    """Return the mean over cells of each mark beside the score, such as `rule`, and the questions that have it."""
    found: dict[str, dict[str, float]] = {}
    for name in sorted({name for score in scores for name in score.also}):
        having = [replace(score, value=score.also[name]) for score in scores if name in score.also]
        means = cell_means(having)
        found[name] = {"mean": weighted_mean(headline(means), means) or 0.0, "n": len(having)}
    return found


def _judge(settings: ScoreSettings, samples: Sequence[Sample], replies: Mapping[str, Reply], work: Work) -> Judging:
    """Return the mark of each reply; a refused prompt is 0 and counted, a reply without a verdict is an error.

    Raises:
        DataError: replies have no verdict, or belong to other questions.
    """
    scorer: Scorer = plugins.make("mmprolong.evaluation.scorers", settings.scorer, "scorer")
    refused = {one.what: one for one in read_jsonl(work.inputs["reply"] / "rejects.jsonl", Reject)}
    if replies.keys() | refused.keys() != {sample.id for sample in samples}:
        raise DataError(f"{work.inputs['reply']}: its replies are not to the questions of {work.inputs['samples']}")

    def flows() -> Iterator[Flow[Mark]]:
        for sample in samples:
            work.log.stop_if_asked()
            if sample.id in refused:
                yield _refused(refused[sample.id])
            else:
                yield scorer.score(sample, replies[sample.id].text)

    judges = {JUDGE: settings.judge} if settings.judge else {}
    others = {f"{JUDGE}/{name}": each for name, each in settings.other_judges.items()}
    return judge_all(flows, {**judges, **others}, work.store)


def _score(sample: Sample, mark: Mark, replies: Mapping[str, Reply]) -> Score:
    """Return the score of a mark, with the marks of the pages that the reply cites."""
    cited = evidence_marks(sample, replies[sample.id].text, mark.value) if sample.id in replies else {}
    return Score(
        sample=sample.id,
        benchmark=sample.benchmark,
        task=sample.task,
        length=sample.length,
        cluster=sample.cluster,
        target=str(sample.gold.answer),
        facts=sample.facts,
        **asdict(replace(mark, also={**mark.also, **cited})),
    )


def _refused(reject: Reject) -> Flow[Mark]:
    yield from ()
    return Mark(value=0.0, reason=f"{reject.reason}: {reject.detail}")


def _with_replies(scores: Sequence[Score], replies: Mapping[str, Reply]) -> Iterator[dict[str, Any]]:
    """Yield what a person wants to see of each question: its score and the whole reply."""
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
        quarters[quarter_of(score.facts)].append(score.value)
    return {quarter: fmean(quarters[quarter]) for quarter in QUARTERS if quarter in quarters}

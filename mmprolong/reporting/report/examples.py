"""What the model saw and said: pages with their questions, and replies right and wrong."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mmprolong import plugins
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.records import Image, Instance, Message, Pack, Reply, Score, read_jsonl
from mmprolong.reporting.report.thumbnails import Thumbnail, thumbnails
from mmprolong.reporting.sources.instances import phase_instances
from mmprolong.reporting.sources.runs import Runs
from mmprolong.settings.knobs import Corpus

STRIP = 12
"""Pages of a document that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question with its answer and where that stands."""

    question: str
    answer: str
    pages: tuple[int, ...] = ()
    """Pages of the evidence, from 1."""
    first: bool = False
    """Whether only the first of them is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Some pages of a conversation and its turns."""

    title: str
    task: str
    pages: int
    strip: tuple[Thumbnail, ...]
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A reply beside what it should have been."""

    length: str
    task: str
    question: str
    target: str
    reply: str
    value: float
    cut: bool


def training_document(store: Path, plan: Plan) -> Document | None:
    """The longest instance in the first pack of the ablation's first phase; the baseline's if it has one of its own.

    None while no such phase has a mixture.
    """
    points = [plan.of(label)[0] for label in dict.fromkeys([plan.baseline, *plan.labels])]
    phases = ((point, phase) for point in points for phase in plan.own_phases(point))
    files = ((*one, store / "mixture" / one[0].steps[f"{one[1]}.mixture"] / "packs.jsonl") for one in phases)
    point, phase, packs = next((one for one in files if one[2].is_file()), (points[0], "", None))
    if packs is None:
        return None
    pack = next(read_jsonl(packs, Pack))
    wanted = max(zip(pack.lengths, pack.instances, strict=True))[1]
    found = next((one for one in phase_instances(store, point, phase, Instance) if one.id == wanted), None)
    return _document(store, point, found, f"A training instance of {point.label}") if found else None


def evaluation_document(store: Path, point: Point, length: str) -> Document | None:
    """The first evaluated document of a length, with all that is asked about it."""
    questions = [question for question in _questions(store, point) if question.sample.length == length]
    asked = [question for question in questions if question.sample.document == questions[0].sample.document]
    if not asked:
        return None
    images = _images(asked[0].prompt)
    first = [round(each.sample.depth * (len(images) - 1)) for each in asked]
    turns = tuple(
        Turn(question=_text(each.prompt), answer=each.sample.target, pages=(page + 1,), first=True)
        for each, page in zip(asked, first, strict=True)
    )
    tasks = ", ".join(dict.fromkeys(each.sample.task for each in asked))
    return Document(
        title=f"An evaluation document at {length}",
        task=tasks,
        pages=len(images),
        strip=_strip(store, point, images, first),
        turns=turns,
    )


def answered(store: Path, runs: Runs, point: Point, count: int = 5) -> list[Answered]:
    """Up to `count` wrong and as many right replies of a finished run, over all lengths."""
    result = runs.result(point)
    if result is None or not result.scores:
        return []
    wrong = _spread([score for score in result.scores if score.value < 0.5], runs.lengths, count)
    right = _spread([score for score in result.scores if score.value >= 0.5], runs.lengths, count)
    chosen = {score.sample: score for score in [*wrong, *right]}
    replies = read_jsonl(store / "reply" / point.steps["reply"] / "replies.jsonl", Reply)
    said = {reply.sample: reply for reply in replies if reply.sample in chosen}
    asked = {each.sample.id: _text(each.prompt) for each in _questions(store, point) if each.sample.id in chosen}
    return [_answered(score, said[score.sample], asked.get(score.sample, "-")) for score in chosen.values()]


def _answered(score: Score, reply: Reply, question: str) -> Answered:
    return Answered(
        length=score.length,
        task=score.task,
        question=question,
        target=score.target,
        reply=reply.text,
        value=score.value,
        cut=reply.cut,
    )


def _spread(scores: Sequence[Score], lengths: Sequence[str], count: int) -> list[Score]:
    """Scores taken in turn from each length, with another task each time."""
    tasks = sorted({score.task for score in scores})
    seen: Counter[tuple[str, str]] = Counter()
    ranked: list[tuple[tuple[int, int, int], Score]] = []
    for score in scores:
        length, task = lengths.index(score.length), tasks.index(score.task)
        ranked.append(((seen[score.length, score.task], (task - length) % len(tasks), length), score))
        seen[score.length, score.task] += 1
    chosen = [score for _, score in sorted(ranked, key=lambda pair: pair[0])[:count]]
    return sorted(chosen, key=lambda score: lengths.index(score.length))


def _questions(store: Path, point: Point) -> Iterator[Any]:
    suite = point.config["suite"]
    benchmark = plugins.load("mmprolong.evaluation.benchmarks", suite["benchmark"], "suite.benchmark")
    return benchmark.questions(store / "synthesis" / point.steps["suite.source"], suite["labels"])


def _document(store: Path, point: Point, instance: Instance, title: str) -> Document:
    pairs = list(zip(instance.messages[::2], instance.messages[1::2], strict=False))
    evidence = [*instance.evidence, *[()] * len(pairs)]
    turns = tuple(
        Turn(question=_text([asked]), answer=_text([told]), pages=tuple(page + 1 for page in pages))
        for (asked, told), pages in zip(pairs, evidence, strict=False)
    )
    images = _images(instance.messages)
    shown = tuple(page for pages in instance.evidence for page in pages)
    strip = _strip(store, point, images, shown)
    return Document(title=title, task=instance.task, pages=len(images), strip=strip, turns=turns)


def _strip(store: Path, point: Point, images: Sequence[Image], wanted: Sequence[int]) -> tuple[Thumbnail, ...]:
    """Up to a dozen pages: those with evidence first, then evenly over the rest; in reading order."""
    every = len(images) / STRIP if len(images) > STRIP else 1
    even = [int(index * every) for index in range(min(STRIP, len(images)))]
    pages = sorted(list(dict.fromkeys([*wanted, *even]))[:STRIP])
    corpus = msgspec.convert(point.config["corpus"], Corpus)
    marked = set(wanted)
    chosen = [(page, images[page], page in marked) for page in pages if page < len(images)]
    return thumbnails(store / "corpus" / point.steps["corpus"], corpus, chosen)


def _images(messages: Sequence[Message]) -> list[Image]:
    return [part for message in messages for part in message.parts if isinstance(part, Image)]


def _text(messages: Sequence[Message]) -> str:
    return " ".join(part for message in messages for part in message.parts if isinstance(part, str))

"""Examples for a reader: pages with their questions, and replies right and wrong."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mmprolong.conversations import Image, Message, images_of
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.records import Example, Gold, Pack, Reply, Sample, Score
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import own_mixtures, phase_sources
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import read_jsonl

if TYPE_CHECKING:
    from numpy import ndarray

STRIP = 12
"""Pages of a document that are shown."""
LARGEST = 320
"""Longest side of an embedded page [px]."""


class Thumbnail(NamedTuple):
    """One page, ready to be shown."""

    page: int
    """From 1."""
    uri: str
    """`data:` URI."""
    evidence: bool
    """An answer rests on it."""


class Turn(NamedTuple):
    """A question with its answer."""

    question: str
    answer: str
    pages: tuple[int, ...]
    """Pages of the evidence, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDocument:
    """Some pages of a conversation and its turns."""

    title: str
    task: str
    pages: int
    strip: tuple[Thumbnail, ...]
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReply:
    """A reply beside its question and its score."""

    score: Score
    question: str
    reply: str


def training_document(store: Path, plan: Plan) -> ShownDocument | None:
    """Show the longest example in the first pack of the ablation's first phase; the baseline's if it has its own.

    None while no such phase has a mixture.
    """
    points = [plan.of(label)[0] for label in dict.fromkeys([plan.baseline, *plan.labels])]
    drawn = ((point, *one) for point in points for one in own_mixtures(store, plan, point))
    point, phase, folder = next(drawn, (points[0], "", None))
    if folder is None:
        return None
    pack = next(read_jsonl(folder / "packs.jsonl", Pack))
    wanted = max(zip(pack.lengths, pack.examples, strict=True))[1]
    example = next((one for one in _examples(store, point, phase) if one.id == wanted), None)
    if example is None:
        return None
    conversation = example.conversations["answer"]
    turns = [message.text for message in conversation if message.role != "system"]
    asked = list(zip(turns[::2], turns[1::2], strict=False))
    title = f"A training example of {point.label}"
    return _shown(store, point, title, example.task, conversation, asked, example.gold)


def evaluation_document(store: Path, point: Point, length: str) -> ShownDocument | None:
    """Show the first evaluated document of a length, with all that is asked about it."""
    for name in point.scores:
        samples = [sample for sample in _samples(store, point, name) if sample.length == length]
        same = [sample for sample in samples if sample.cluster == samples[0].cluster]
        if same:
            asked = [(_question(sample), str(sample.gold.answer)) for sample in same]
            tasks = ", ".join(dict.fromkeys(sample.task for sample in same))
            title = f"An evaluation document at {length}"
            return _shown(store, point, title, tasks, same[0].prompt, asked, [sample.gold for sample in same])
    return None


def answered(store: Path, runs: Runs, point: Point, count: int = 5) -> list[ShownReply]:
    """Return up to `count` wrong and as many right replies of a finished run, spread over lengths and tasks."""
    result = runs.result(point)
    if result is None or not result.scores:
        return []
    ordered = sorted(result.scores, key=lambda score: (runs.lengths.index(score.length), score.task))
    sides = ([score for score in ordered if (score.value >= 0.5) == right] for right in (False, True))
    chosen = [score for side in sides for score in side[:: max(len(side) // count, 1)][:count]]
    replies, questions = {}, {}
    for name in dict.fromkeys(score.benchmark for score in chosen):
        said = read_jsonl(store / "reply" / point.steps[f"reply.{name}"] / "replies.jsonl", Reply)
        replies |= {(name, reply.sample): reply.text + " … cut" * reply.cut for reply in said}
        questions |= {(name, sample.id): _question(sample) for sample in _samples(store, point, name)}
    keys = ((score, (score.benchmark, score.sample)) for score in chosen)
    # a prompt that could not be asked has a score and no reply
    return [
        ShownReply(score=score, question=questions[key], reply=replies.get(key, score.reason)) for score, key in keys
    ]


def _examples(store: Path, point: Point, phase: str) -> Iterator[Example]:
    for source in phase_sources(point, phase):
        yield from read_jsonl(store / "synthesis" / point.steps[f"synthesis.{source}"] / "examples.jsonl", Example)


def _samples(store: Path, point: Point, benchmark: str) -> Iterator[Sample]:
    return read_jsonl(store / "samples" / point.steps[f"samples.{benchmark}"] / "samples.jsonl", Sample)


def _question(sample: Sample) -> str:
    return " ".join(message.text for message in sample.prompt if message.role != "system").strip()


def _shown(
    store: Path,
    point: Point,
    title: str,
    task: str,
    conversation: Sequence[Message],
    asked: Sequence[tuple[str, str]],
    gold: Sequence[Gold],
) -> ShownDocument:
    evidence = [*(one.evidence for one in gold), *[()] * len(asked)]
    turns = tuple(
        Turn(question, answer, tuple(page + 1 for page in pages))
        for (question, answer), pages in zip(asked, evidence, strict=False)
    )
    images = list(images_of(conversation))
    marked = {page for one in gold for page in one.evidence if page < len(images)}
    strip = _strip(store, point, images, marked)
    return ShownDocument(title=title, task=task, pages=len(images), strip=strip, turns=turns)


def _strip(store: Path, point: Point, images: Sequence[Image], marked: set[int]) -> tuple[Thumbnail, ...]:
    """Draw up to a dozen pages: those with evidence first, then evenly over the rest; in reading order.

    Raises:
        DataError: the corpus or its pool is gone.
    """
    from mmprolong.images.sources import open_images

    every = max(len(images) / STRIP, 1)
    even = [int(index * every) for index in range(min(STRIP, len(images)))]
    config: Mapping[str, Any] = point.config
    view, corpus = msgspec.convert(config["view"], View), msgspec.convert(config["corpus"], Corpus)
    folders = {stage: store / stage / point.steps[stage] for stage in ("corpus", "render") if stage in point.steps}
    root = config["suite"].get("data_root")
    drawn = open_images(view, corpus, folders, Path(root) if root else None)
    chosen = sorted(list(dict.fromkeys([*sorted(marked), *even]))[:STRIP])
    return tuple(Thumbnail(page + 1, _uri(drawn.pixels(images[page])), page in marked) for page in chosen)


def _uri(pixels: "ndarray") -> str:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(pixels)
    picture.thumbnail((LARGEST, LARGEST))
    file = io.BytesIO()
    kind = "PNG" if picture.mode == "L" else "JPEG"
    picture.save(file, format=kind, optimize=True)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"

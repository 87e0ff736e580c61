"""Examples for a reader: pages with their questions, and replies right and wrong."""

import base64
import io
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mmprolong.conversations import Conversation, images_of
from mmprolong.errors import DataError
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import Example, Gold, Pack, Reply, Sample, Score
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import own_mixtures, phase_sources
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store

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


class AskedTurn(NamedTuple):
    """A question with its answer."""

    question: str
    answer: str
    pages: Sequence[int]
    """Pages of the evidence, from 1."""


class ShownDocument(NamedTuple):
    """Some pages of a conversation and its turns."""

    title: str
    task: str
    pages: int
    strip: Sequence[Thumbnail]
    turns: Sequence[AskedTurn]


class ShownReply(NamedTuple):
    """A reply beside its question and its score."""

    score: Score
    question: str
    reply: str


def training_document(store: Path, plan: Plan) -> ShownDocument | None:
    """Show the longest example in the first pack of the ablation's first phase; the baseline's if it has its own.

    None while no such phase has a mixture.

    Raises:
        ArtifactError, DataError: a file is damaged, or its step is gone.
    """
    for point in (plan.of(label)[0] for label in dict.fromkeys([plan.baseline, *plan.labels])):
        for phase, folder in own_mixtures(store, plan, point):
            pack = next(read_jsonl(folder / "packs.jsonl", Pack))
            longest = max(zip(pack.lengths, pack.examples, strict=True))[1]
            files = (_folder(store, point, f"synthesis.{each}") for each in phase_sources(point, phase))
            examples = chain.from_iterable(read_jsonl(each / "examples.jsonl", Example) for each in files)
            example = next(one for one in examples if one.id == longest)
            shown = example.conversations["answer"]
            texts = [message.text for message in shown if message.role != "system"]
            golds = (*example.gold, *[Gold(answer=None)] * len(texts))
            asked = list(zip(texts[::2], [*texts[1::2], ""], golds, strict=False))
            return _show(store, point, f"A training example of {point.label}", example.task, shown, asked)
    return None


def evaluation_document(store: Path, point: Point, length: str) -> ShownDocument | None:
    """Show the first evaluated document of a length, with all that is asked about it.

    Raises:
        ArtifactError, DataError: a file is damaged, or its step is gone.
    """
    for name in point.scores:
        samples = [sample for sample in _samples(store, point, name) if sample.length == length]
        same = [sample for sample in samples if sample.cluster == samples[0].cluster]
        if same:
            asked = [(_question(one), str(one.gold.answer), one.gold) for one in same]
            tasks = ", ".join(dict.fromkeys(one.task for one in same))
            return _show(store, point, f"An evaluation document at {length}", tasks, same[0].prompt, asked)
    return None


def example_replies(store: Path, runs: Runs, point: Point, count: int = 5) -> list[ShownReply]:
    """Return up to `count` wrong and as many right replies of a finished run, spread over lengths and tasks.

    Raises:
        ArtifactError, DataError: a file is damaged, or its step is gone.
    """
    result = runs.result(point)
    if result is None:
        return []
    ordered = sorted(result.scores, key=lambda score: (runs.lengths.index(score.length), score.task))
    sides = ([score for score in ordered if (score.value >= 0.5) == right] for right in (False, True))
    chosen = [score for side in sides for score in side[:: max(len(side) // count, 1)][:count]]
    replies, questions = {}, {}
    for name in point.scores:
        for reply in read_jsonl(_folder(store, point, f"reply.{name}") / "replies.jsonl", Reply):
            replies[name, reply.sample] = reply.text + " … cut" * reply.cut
        questions |= {(name, sample.id): _question(sample) for sample in _samples(store, point, name)}
    keyed = [((score.benchmark, score.sample), score) for score in chosen]
    # a prompt that could not be sent has a score and no reply
    return [ShownReply(score, questions[key], replies.get(key, score.reason)) for key, score in keyed]


def _samples(store: Path, point: Point, benchmark: str) -> Iterator[Sample]:
    return read_jsonl(_folder(store, point, f"samples.{benchmark}") / "samples.jsonl", Sample)


def _folder(store: Path, point: Point, role: str) -> Path:
    """Return the folder of a run's step, its files compared with its record."""
    stage, step = stage_of(role), point.steps[role]
    if Store(store).verified(stage, step) is None:
        raise DataError(f"{store / stage / step}: no finished step; sweep again to show what it made")
    return store / stage / step


def _question(sample: Sample) -> str:
    return " ".join(message.text for message in sample.prompt if message.role != "system").strip()


def _show(
    store: Path, point: Point, title: str, task: str, shown: Conversation, asked: Sequence[tuple[str, str, Gold]]
) -> ShownDocument:
    """Draw up to a dozen pages: those with evidence first, then evenly over the rest; in reading order.

    Args:
        asked: questions, answers and what these rest on.
    """
    from mmprolong.images.sources import open_images

    view, corpus = msgspec.convert(point.config["view"], View), msgspec.convert(point.config["corpus"], Corpus)
    folders = {stage: _folder(store, point, stage) for stage in ("corpus", "render") if stage in point.steps}
    root = point.config["suite"].get("data_root")
    pages, images = open_images(view, corpus, folders, Path(root) if root else None), list(images_of(shown))
    marked = sorted({page for _, _, gold in asked for page in gold.evidence if page < len(images)})
    even = [int(index * max(len(images) / STRIP, 1)) for index in range(min(STRIP, len(images)))]
    chosen = sorted(list(dict.fromkeys([*marked, *even]))[:STRIP])
    strip = [Thumbnail(page + 1, _uri(pages.pixels(images[page])), page in marked) for page in chosen]
    turns = [AskedTurn(question, answer, [page + 1 for page in gold.evidence]) for question, answer, gold in asked]
    return ShownDocument(title, task, len(images), strip, turns)


def _uri(pixels: "ndarray") -> str:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(pixels)
    picture.thumbnail((LARGEST, LARGEST))
    file = io.BytesIO()
    kind = "PNG" if picture.mode == "L" else "JPEG"
    picture.save(file, format=kind, optimize=True)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"

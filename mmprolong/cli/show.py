"""`mmprolong show`: what lies in a step, readably."""

import argparse
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from mmprolong.cli.lookup import KnownStep, Steps, find_point, is_ablation
from mmprolong.cli.terminal import Terminal, number, visible
from mmprolong.errors import ConfigError, FeasibilityError, StepFailed, nearest
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import (
    Block,
    Conversation,
    Document,
    Example,
    Gold,
    Measured,
    Pack,
    Reply,
    Sample,
    Score,
    Selected,
    images_of,
    read_jsonl,
)
from mmprolong.store.parquet import read_parquet
from mmprolong.store.store import Store

T = TypeVar("T")
_LONGEST = 400
"""Characters of a text that are shown."""
_RUNS = 6
"""Runs of pages that are named."""
_ASKS = {"system": "system", "user": "question", "assistant": "answer"}


def run(arguments: argparse.Namespace) -> None:
    """Show examples as a model is trained on them, or questions with what it replied: a sample, readably."""
    if arguments.n < 1:
        raise ConfigError(f"-n {arguments.n}: give 1 or more")
    steps = Steps(Store(Path(arguments.store)))
    step = _step(steps, arguments.what)
    if not step.finished:
        raise StepFailed(f"{step.path}: not finished, nothing to show; mmprolong status says where it stands")
    show = {
        **dict.fromkeys(("corpus", "selection"), _documents),
        **dict.fromkeys(("synthesis", "measurement", "mixture"), _examples),
        **dict.fromkeys(("samples", "reply", "score"), _samples),
    }
    if step.stage not in show:
        raise ConfigError(f"{step.path}: a {step.stage} step has nothing to read; give one of {', '.join(show)}")
    console = Terminal()
    console.say(Text(f"{step.path}  {step.label}", style="bold"))
    for shown in show[step.stage](steps, step, arguments):
        console.print(shown)


def _step(steps: Steps, text: str) -> KnownStep:
    """Return the step itself, or what a run of an ablation is trained on; of an untrained run, what it replied."""
    if not is_ablation(steps.store, text):
        return steps.find(text)
    plan, point = find_point(steps.store, text)
    if "/" not in text and not plan.own_phases(point):  # an untrained baseline: the first arm that is trained
        point = next((one for one in plan.points if plan.own_phases(one)), point)
    roles = [f"mixture.{phase}" for phase in plan.own_phases(point)] or [f"reply.{next(iter(point.scores))}"]
    return steps.get(f"{stage_of(roles[-1])}/{point.steps[roles[-1]]}")


def _chosen(items: Iterable[T], arguments: argparse.Namespace, task: Callable[[T], str]) -> list[T]:
    """Draw a seeded sample of `-n` items of the task asked for, in their order; holds no more of them in memory.

    Raises:
        ConfigError: no item is of that task.
        FeasibilityError: there is no item.
    """
    rng = random.Random(arguments.seed)
    kept: list[tuple[int, T]] = []
    tasks: set[str] = set()
    seen = 0
    for place, item in enumerate(items):
        tasks.add(task(item))
        if arguments.task in (None, task(item)):
            seen += 1
            if len(kept) < arguments.n:
                kept.append((place, item))
            elif (chosen := rng.randrange(seen)) < arguments.n:
                kept[chosen] = (place, item)
    if not kept and arguments.task is not None:
        raise ConfigError(f"--task: {arguments.task!r} is not among them; {nearest(arguments.task, tasks)}")
    if not kept:
        raise FeasibilityError("show: the step holds nothing")
    return [item for _, item in sorted(kept, key=lambda pair: pair[0])]


def _documents(steps: Steps, step: KnownStep, arguments: argparse.Namespace) -> Iterator[RenderableType]:
    corpus = steps.store.root / step.needs.get("corpus", step.path)
    splits: Mapping[str, str] = {}
    if step.stage == "selection":
        selected = read_jsonl(steps.store.root / step.path / "selected.jsonl", Selected)
        splits = {one.document: one.split for one in selected}
    documents = (one for one in read_jsonl(corpus / "documents.jsonl", Document) if not splits or one.id in splits)
    titles = _Titles(corpus)
    for one in _chosen(documents, arguments, lambda document: splits.get(document.id, "")):
        counted = f"{one.pages} pages", f"{len(one.outline)} headings", one.licence, splits.get(one.id, "")
        yield Text(f"{titles.title(one.id)}: {', '.join(filter(None, counted))}")


def _examples(steps: Steps, step: KnownStep, arguments: argparse.Namespace) -> Iterator[RenderableType]:
    """Yield examples, with their tokens where they are measured; of a mixture those that it drew."""
    root, paths = steps.store.root, [step.path]
    if step.stage == "mixture":
        paths = [path for role, path in step.needs.items() if stage_of(role) == "measurement"]
        drawn = {name for pack in read_jsonl(root / step.path / "packs.jsonl", Pack) for name in pack.examples}
    measured = {path: steps.get(path).needs["synthesis"] for path in paths if not path.startswith("synthesis/")}
    files = [root / path / "examples.jsonl" for path in dict.fromkeys(measured.values() if measured else paths)]
    examples = (one for file in files for one in read_jsonl(file, Example))
    if step.stage == "mixture":
        examples = (one for one in examples if one.id in drawn)
    titles = _Titles(root / step.needs["corpus"])
    chosen = _chosen(examples, arguments, lambda example: example.task)
    ids = {one.id for one in chosen}
    rows = (row for path in measured for row in read_parquet(root / path / "measured.parquet", Measured))
    tokens = {(row.example, row.conversation): row for row in rows if row.example in ids}
    for one in chosen:
        lines = [_line("task", "   ".join(filter(None, (one.task, one.length, *_facts(one.facts), one.origin))))]
        for name, conversation in one.conversations.items():
            lines += _conversation(name, conversation, one.gold, tokens.get((one.id, name)), titles)
        yield Panel(Group(*lines), title=Text(one.id), title_align="left", expand=False)


def _conversation(
    name: str, conversation: Conversation, gold: tuple[Gold, ...], measured: Measured | None, titles: "_Titles"
) -> Iterator[RenderableType]:
    if name != "answer":
        yield _line("", name)
    yield _line("document", titles.pages(conversation))
    if measured:
        yield _line("tokens", f"{number(measured.tokens)}, {number(measured.supervised)} of them supervised")
    answers = iter(gold)
    for turn in conversation:
        yield _line(_ASKS[turn.role], _shortened(turn.text))
        if turn.role == "assistant" and (right := next(answers, None)):
            pages = ", ".join(str(place + 1) for place in right.evidence)
            yield _line("evidence", f"{f'images {pages}' if pages else 'no image'}   {right.format}")


def _samples(steps: Steps, step: KnownStep, arguments: argparse.Namespace) -> Iterator[RenderableType]:
    """Yield questions with what was replied to them, and what that was judged, as far as the step knows it."""
    root = steps.store.root
    replied = step.path if step.stage == "reply" else step.needs.get("reply")
    scored = step.path if step.stage == "score" else _score_of(steps, replied)
    samples = read_jsonl(root / step.needs.get("samples", step.path) / "samples.jsonl", Sample)
    chosen = _chosen(samples, arguments, lambda sample: sample.task)
    ids = {one.id for one in chosen}
    replies = read_jsonl(root / replied / "replies.jsonl", Reply) if replied else ()
    scores = read_jsonl(root / scored / "scores.jsonl", Score) if scored else ()
    said = {one.sample: one for one in replies if one.sample in ids}
    marks = {one.sample: one for one in scores if one.sample in ids}
    for sample in chosen:
        lines = _sample_lines(sample, said.get(sample.id), marks.get(sample.id))
        yield Panel(Group(*lines), title=Text(sample.id), title_align="left", expand=False)


def _score_of(steps: Steps, reply: str | None) -> str | None:
    """Return the first finished score step of a reply."""
    paths = (path for path in steps.paths if reply and path.startswith("score/"))
    known = (steps.get(path) for path in paths if steps.store.record(*path.split("/")))
    return next((one.path for one in known if one.needs["reply"] == reply), None)


def _sample_lines(sample: Sample, said: Reply | None, score: Score | None) -> Iterator[RenderableType]:
    yield _line("task", "   ".join((sample.task, f"length {sample.length}", *_facts(sample.facts))))
    yield _line("question", _shortened(" ".join(filter(None, (message.text for message in sample.prompt)))))
    if said:
        yield _line("reply", _shortened(said.text) + ("   (cut)" if said.cut else ""))
    elif score:
        yield _line("reply", f"none: {score.reason}")
    yield _line("target", _shortened(str(sample.gold.answer)))
    if score:
        judged = (f"{score.value:g}", f"parsed {score.parsed!r}", score.judge, score.reason)
        yield _line("value", "   ".join(filter(None, judged)))


def _facts(facts: Mapping[str, str | float]) -> Iterator[str]:
    return (f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}" for name, value in facts.items())


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text):,} characters)"


def _line(name: str, text: str) -> RenderableType:
    return Text.assemble((f"{name:<9} ", "dim"), visible(text))


class _Titles:
    """What a person calls the documents of a finished corpus step."""

    def __init__(self, corpus: Path) -> None:
        self._corpus = corpus

    def title(self, document: str) -> str:
        """Return 'clm_article.pdf, "Cumulative Link Models"'; the file alone if the document shows no title."""
        title, file = self._titles.get(document), self._files.get(document, document)
        return f'{file}, "{title}"' if title else file

    def pages(self, conversation: Conversation) -> str:
        """Name the documents and pages (from 1) that a conversation shows, in its order."""
        numbered = enumerate(images_of(conversation))
        grouped = groupby(numbered, key=lambda pair: (pair[1].source, pair[1].index - pair[0]))
        runs = [(source.removeprefix("pdf:"), [image.index + 1 for _, image in run]) for (source, _), run in grouped]
        name = self.title if len(runs) == 1 else lambda document: self._files.get(document, document)
        named = [f"{name(source)} {_span(pages)}" for source, pages in runs[:_RUNS]]
        more = f", and {len(runs) - _RUNS} more" if len(runs) > _RUNS else ""
        return ", ".join(named) + more if named else "no page"

    @cached_property
    def _files(self) -> dict[str, str]:
        return {one.id: one.source for one in read_jsonl(self._corpus / "documents.jsonl", Document)}

    @cached_property
    def _titles(self) -> dict[str, str]:
        titles: dict[str, str] = {}
        for block in read_jsonl(self._corpus / "blocks.jsonl", Block):
            if block.kind == "title" and block.page == 0:
                titles.setdefault(block.document, block.text)
        return titles


def _span(pages: list[int]) -> str:
    return f"page {pages[0]}" if len(pages) == 1 else f"pages {pages[0]}-{pages[-1]}"

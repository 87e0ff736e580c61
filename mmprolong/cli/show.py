"""`mmprolong show`: documents, examples, questions and replies of a step, readably."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from heapq import nsmallest
from itertools import groupby
from typing import Any, TypeVar

import click
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from mmprolong.cli.arguments import stored
from mmprolong.cli.lookup import Steps, is_finished
from mmprolong.cli.terminal import Terminal, visible
from mmprolong.cli.terminal import number as written
from mmprolong.conversations import Conversation, images_of
from mmprolong.errors import ConfigError, StepFailed, nearest
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import Document, Example, Gold, Measured, Pack, Reply, Sample, Score, Selected
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store

T = TypeVar("T")
_LONGEST = 400
"""Characters of a text that are shown."""
_RUNS = 6
"""Runs of pages that are named."""
_ASKS = {"system": "system", "user": "question", "assistant": "answer"}


@click.command()
@click.argument("what")
@click.option("-n", "number", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--task", help="Of this task only.")
@click.option("--seed", default=0, show_default=True, help="Which sample is drawn.")
@stored
def show(what: str, number: int, task: str | None, seed: int, store: Store) -> None:
    """Show a sample of the examples that a model is trained on, or of its replies.

    WHAT is a step's id, or ABLATION[/ARM[/SEED]].
    """
    steps = Steps(store)
    step = steps.find(what)
    if not is_finished(step):
        raise StepFailed(f"{step.path}: not finished, nothing to show; mmprolong status says where it stands")
    shows = {
        **dict.fromkeys(("corpus", "selection"), _documents),
        **dict.fromkeys(("synthesis", "measurement", "mixture"), _examples),
        **dict.fromkeys(("samples", "reply", "score"), _samples),
    }
    if step.stage not in shows:
        raise ConfigError(f"{step.path}: a {step.stage} step has nothing to read; give one of {', '.join(shows)}")
    console = Terminal()
    console.say(Text(f"{step.path}  {step.label}", style="bold"))
    for shown in shows[step.stage](steps, step, partial(_chosen, number=number, wanted=task, seed=seed)):
        console.print(shown)


def _chosen(items: Iterable[T], task: Callable[[T], str], number: int, wanted: str | None, seed: int) -> list[T]:
    """Draw a seeded sample of the items of the task that is wanted, in their order; no more of them are in memory.

    Raises:
        ConfigError: there is no item, or none of that task.
    """
    rng = random.Random(seed)
    tasks: set[str] = set()

    def drawn() -> Iterator[tuple[float, int, T]]:
        for place, item in enumerate(items):
            tasks.add(task(item))
            if wanted in (None, task(item)):
                yield rng.random(), place, item

    kept = nsmallest(number, drawn())
    if not kept:
        raise ConfigError(f"--task: {wanted!r} is not among them; {nearest(wanted or '', tasks)}")
    return [item for _, _, item in sorted(kept, key=lambda each: each[1])]


def _documents(steps: Steps, step: RunRecord, choose: Callable[..., Any]) -> Iterator[RenderableType]:
    corpus = steps.store.root / step.needs.get("corpus", step.path)
    splits: Mapping[str, str] = {}
    if step.stage == "selection":
        selected = read_jsonl(steps.store.root / step.path / "selected.jsonl", Selected)
        splits = {one.document: one.split for one in selected}
    documents = (one for one in read_jsonl(corpus / "documents.jsonl", Document) if not splits or one.id in splits)
    for one in choose(documents, lambda document: splits.get(document.id, "")):
        counted = f"{one.pages} pages", f"{len(one.outline)} headings", one.licence, splits.get(one.id, "")
        yield Text(f"{one.source}: {', '.join(filter(None, counted))}")


def _examples(steps: Steps, step: RunRecord, choose: Callable[..., Any]) -> Iterator[RenderableType]:
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
    names = {one.id: one.source for one in read_jsonl(root / step.needs["corpus"] / "documents.jsonl", Document)}
    chosen = choose(examples, lambda example: example.task)
    ids = {one.id for one in chosen}
    rows = (row for path in measured for row in read_parquet(root / path / "measured.parquet", Measured))
    tokens = {(row.example, row.conversation): row for row in rows if row.example in ids}
    for one in chosen:
        lines = [_line("task", "   ".join(filter(None, (one.task, one.length, *_facts(one.facts), one.origin))))]
        for name, conversation in one.conversations.items():
            lines += _conversation(name, conversation, one.gold, tokens.get((one.id, name)), names)
        yield Panel(Group(*lines), title=Text(one.id), title_align="left", expand=False)


def _conversation(
    name: str, conversation: Conversation, gold: tuple[Gold, ...], measured: Measured | None, names: Mapping[str, str]
) -> Iterator[RenderableType]:
    if name != "answer":
        yield _line("", name)
    yield _line("document", _pages(conversation, names))
    if measured:
        yield _line("tokens", f"{written(measured.tokens)}, {written(measured.supervised)} of them supervised")
    answers = iter(gold)
    for turn in conversation:
        yield _line(_ASKS[turn.role], _shortened(turn.text))
        if turn.role == "assistant" and (right := next(answers, None)):
            pages = ", ".join(str(place + 1) for place in right.evidence)
            yield _line("evidence", f"{f'images {pages}' if pages else 'no image'}   {right.format}")


def _samples(steps: Steps, step: RunRecord, choose: Callable[..., Any]) -> Iterator[RenderableType]:
    """Yield questions, with replies and scores as far as the step has them."""
    root = steps.store.root
    replied = step.path if step.stage == "reply" else step.needs.get("reply")
    samples = read_jsonl(root / step.needs.get("samples", step.path) / "samples.jsonl", Sample)
    chosen = choose(samples, lambda sample: sample.task)
    ids = {one.id for one in chosen}
    replies = read_jsonl(root / replied / "replies.jsonl", Reply) if replied else ()
    scores = read_jsonl(root / step.path / "scores.jsonl", Score) if step.stage == "score" else ()
    said = {one.sample: one for one in replies if one.sample in ids}
    marks = {one.sample: one for one in scores if one.sample in ids}
    for sample in chosen:
        lines = _sample_lines(sample, said.get(sample.id), marks.get(sample.id))
        yield Panel(Group(*lines), title=Text(sample.id), title_align="left", expand=False)


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


def _pages(conversation: Conversation, names: Mapping[str, str]) -> str:
    """Name the documents and pages (from 1) that a conversation shows, in its order."""
    numbered = enumerate(images_of(conversation))
    grouped = groupby(numbered, key=lambda pair: (pair[1].source, pair[1].index - pair[0]))
    runs = [(source.removeprefix("pdf:"), [image.index + 1 for _, image in run]) for (source, _), run in grouped]
    named = [f"{names.get(source, source)} pages {pages[0]}-{pages[-1]}" for source, pages in runs[:_RUNS]]
    more = f", and {len(runs) - _RUNS} more" if len(runs) > _RUNS else ""
    return ", ".join(named) + more if named else "no page"

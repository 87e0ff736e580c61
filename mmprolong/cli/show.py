"""`mmprolong show`: documents, examples, questions and replies of a step, readably."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from heapq import nsmallest
from typing import Any, TypeVar

import click
from rich.console import RenderableType
from rich.panel import Panel
from rich.text import Text

from mmprolong.cli.arguments import stored
from mmprolong.cli.lookup import Steps, is_finished
from mmprolong.cli.terminal import Terminal, visible
from mmprolong.errors import ConfigError, StepFailed, nearest
from mmprolong.evaluation.shown_sample import describe_sample
from mmprolong.images.documents import Document, Selected
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import Example, Measured, Pack, Reply, Sample, Score
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store
from mmprolong.synthesis.shown_example import describe_example

T = TypeVar("T")
_LONGEST = 400
"""Characters of a text that are shown."""


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
    tokens: dict[str, dict[str, Measured]] = {one.id: {} for one in chosen}
    for row in (row for path in measured for row in read_parquet(root / path / "measured.parquet", Measured)):
        if row.example in tokens:
            tokens[row.example][row.conversation] = row
    yield from (_panel(one.id, describe_example(one, tokens[one.id], names)) for one in chosen)


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
    yield from (_panel(one.id, describe_sample(one, said.get(one.id), marks.get(one.id))) for one in chosen)


def _panel(title: str, lines: Iterable[tuple[str, str]]) -> Panel:
    shown = Text("\n").join(
        Text.assemble((f"{name:<9} ", "dim"), visible(text[:_LONGEST]))
        + Text(f" ... ({len(text):,} characters)" if len(text) > _LONGEST else "")
        for name, text in lines
    )
    return Panel(shown, title=Text(title), title_align="left", expand=False)

"""`mmprolong show`: documents, examples, questions and replies of a step, readably."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click
from rich.console import RenderableType
from rich.panel import Panel
from rich.text import Text

from mmprolong.cli.arguments import stored
from mmprolong.cli.lookup import Steps, is_finished
from mmprolong.cli.terminal import Terminal, visible
from mmprolong.errors import ConfigError, StepFailed
from mmprolong.evaluation.shown_sample import describe_sample
from mmprolong.images.documents import Document, Selected
from mmprolong.records import Reply, Sample, Score
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store
from mmprolong.synthesis.shown_example import describe_example

_LONGEST = 400
"""Characters of a text that are shown."""
Draw = Callable[[Iterable[tuple[str, Any]]], list[Any]]
"""Draws a sample of items, each given after its task."""


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
    from mmprolong.browser.data_steps import draw_evenly

    def drawn(items: Iterable[tuple[str, Any]]) -> list[Any]:
        found = draw_evenly((one for one in items if task in (None, one[0])), number, seed)
        if task and not found:
            raise ConfigError(f"--task: none is of {task!r}; without it all tasks are shown")
        return [item for _, item in found]

    step = Steps(store).find(what)
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
    for shown in shows[step.stage](store, step, drawn):
        console.print(shown)


def _documents(store: Store, step: RunRecord, drawn: Draw) -> Iterator[RenderableType]:
    corpus = store.root / step.needs.get("corpus", step.path)
    splits: Mapping[str, str] = {}
    if step.stage == "selection":
        splits = {one.document: one.split for one in read_jsonl(store.root / step.path / "selected.jsonl", Selected)}
    documents = (one for one in read_jsonl(corpus / "documents.jsonl", Document) if not splits or one.id in splits)
    for one in drawn((splits.get(one.id, ""), one) for one in documents):
        counted = f"{one.pages} pages", f"{len(one.outline)} headings", one.licence, splits.get(one.id, "")
        yield Text(f"{one.source}: {', '.join(filter(None, counted))}")


def _examples(store: Store, step: RunRecord, drawn: Draw) -> Iterator[RenderableType]:
    """Yield examples, with their tokens where they are measured; of a mixture those that it drew."""
    from mmprolong.browser.data_steps import data_step

    data = data_step(store, step)
    names = {one.id: one.source for one in read_jsonl(data.corpus / "documents.jsonl", Document)}
    chosen = {one.id: one for one in drawn((one.task, one) for _, one in data.examples())}  # once of two components
    tokens = data.measured(chosen)
    yield from (_panel(name, describe_example(one, tokens[name], names)) for name, one in chosen.items())


def _samples(store: Store, step: RunRecord, drawn: Draw) -> Iterator[RenderableType]:
    """Yield questions, with replies and scores as far as the step has them."""
    root = store.root
    replied = step.path if step.stage == "reply" else step.needs.get("reply")
    samples = read_jsonl(root / step.needs.get("samples", step.path) / "samples.jsonl", Sample)
    chosen = drawn((one.task, one) for one in samples)
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

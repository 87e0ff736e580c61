"""`mmprolong show`."""

import argparse
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from mmprolong.cli.lookup import KnownStep, Steps, add_store, find_point, is_ablation
from mmprolong.cli.sources import Sources
from mmprolong.cli.tables import number
from mmprolong.cli.terminal import Terminal, visible
from mmprolong.errors import ConfigError, FeasibilityError, StepFailed, nearest
from mmprolong.records import Document, Instance, Message, Pack, Reply, Sample, Score, read_jsonl
from mmprolong.store.store import Store

T = TypeVar("T")
_LONGEST = 600
"""Characters of an answer that are shown: transcripts are long."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What, how many, of which task."""
    parser.add_argument("what", metavar="STEP_OR_ABLATION", help="a step's id, or ABLATION[/LABEL[/SEED]]")
    parser.add_argument("-n", type=int, default=20, help="how many (default: 20)")
    parser.add_argument("--task", help="of this task only")
    parser.add_argument("--seed", type=int, default=0, help="which sample is drawn (default: 0)")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Instances as a model is trained on them, or questions with what it replied: a sample, readably."""
    if arguments.n < 1:
        raise ConfigError(f"-n {arguments.n}: give 1 or more")
    steps = Steps(Store(Path(arguments.store)))
    step = _step(steps, arguments.what)
    if not step.finished:
        raise StepFailed(f"{step.path}: not finished, nothing to show; mmprolong status says where it stands")
    show = {"corpus": _documents, "synthesis": _instances, "mixture": _instances, "reply": _replies, "score": _replies}
    if step.stage not in show:
        raise ConfigError(f"{step.path}: a {step.stage} step has nothing to read; give one of {', '.join(show)}")
    console = Terminal()
    console.print(Text(f"{step.path}  {step.label}", style="bold"), soft_wrap=True)
    for shown in show[step.stage](steps, step, arguments):
        console.print(shown)


def _step(steps: Steps, text: str) -> KnownStep:
    """The step itself, or what a point of an ablation is trained on; of an untrained point, what it replied."""
    if not is_ablation(steps.store, text):
        return steps.find(text)
    plan, point = find_point(steps.store, text)
    if "/" not in text and not plan.own_phases(point):  # an untrained baseline: the first row that is trained
        point = next((one for one in plan.points if plan.own_phases(one)), point)
    own = plan.own_phases(point)
    role = f"{own[-1]}.mixture" if own else "reply"
    return steps.get(f"{'mixture' if own else 'reply'}/{point.steps[role]}")


def _drawn(items: Iterable[T], arguments: argparse.Namespace, task: Callable[[T], str]) -> list[T]:
    """A seeded sample of `-n` items of the task asked for, in their order.

    Raises:
        ConfigError: no item is of that task.
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
    folder = steps.store.folder(step.stage, step.id)
    sources = Sources(folder)
    for one in _drawn(read_jsonl(folder / "documents.jsonl", Document), arguments, lambda document: document.split):
        headings = len(one.outline)
        yield Text(f"{sources.title(one.id)}: {one.pages} pages, {one.split}, {headings} headings, {one.licence}")


def _instances(steps: Steps, step: KnownStep, arguments: argparse.Namespace) -> Iterator[RenderableType]:
    folders = [steps.store.root / path for role, path in step.needs.items() if role in ("source", "short")]
    folders = folders or [steps.store.folder(step.stage, step.id)]
    instances = (one for folder in folders for one in read_jsonl(folder / "instances.jsonl", Instance))
    if step.stage == "mixture":
        packs = read_jsonl(steps.store.folder(step.stage, step.id) / "packs.jsonl", Pack)
        drawn = {name for pack in packs for name in pack.instances}
        instances = (one for one in instances if one.id in drawn)
    sources = Sources(steps.store.root / step.needs["corpus"])
    for one in _drawn(instances, arguments, lambda instance: instance.task):
        yield Panel(Group(*_instance_lines(one, sources)), title=Text(one.id), title_align="left")


def _instance_lines(one: Instance, sources: Sources) -> Iterator[RenderableType]:
    yield _line("document", sources.pages(one.messages))
    counted = f"{number(one.tokens)} for {one.backbone}, {number(one.supervised)} of them supervised"
    yield _line("task", f"{one.task}   {one.pages} pages   tokens {counted}")
    pairs = zip(one.messages[::2], one.messages[1::2], strict=False)
    for turn, (asked, told) in enumerate(pairs):
        yield _line("question", _text(asked))
        yield _line("answer", _shortened(_text(told)))
        yield _line("evidence", _evidence(one.evidence[turn] if turn < len(one.evidence) else ()))
    yield _line("format", "   ".join(filter(None, (one.answer_format, ", ".join(one.sources), one.origin))))


def _evidence(pages: tuple[int, ...]) -> str:
    return "pages " + ", ".join(str(page + 1) for page in pages) if pages else "no page"


def _replies(steps: Steps, step: KnownStep, arguments: argparse.Namespace) -> Iterator[RenderableType]:
    reply = steps.get(step.needs["reply"]) if step.stage == "score" else step
    folder = steps.store.folder("reply", reply.id)
    scores = _scores(steps, reply, step)
    said = {one.sample: one for one in read_jsonl(folder / "replies.jsonl", Reply)}
    samples = read_jsonl(folder / "samples.jsonl", Sample)
    chosen = _drawn(samples, arguments, lambda sample: sample.task)
    asked = _asked(steps, reply, {one.id for one in chosen})
    for sample in chosen:
        lines = _reply_lines(sample, asked.get(sample.id, "-"), said[sample.id], scores.get(sample.id))
        yield Panel(Group(*lines), title=Text(sample.id), title_align="left")


def _reply_lines(sample: Sample, question: str, said: Reply, score: Score | None) -> Iterator[RenderableType]:
    yield _line("task", f"{sample.task}   length {sample.length}   depth {sample.depth:.2f}")
    yield _line("question", question)
    yield _line("reply", _shortened(said.text) + ("   (cut)" if said.cut else ""))
    yield _line("target", _shortened(sample.target))
    if score is not None:
        yield _line("value", f"{score.value:g}   parsed {score.parsed!r}   {score.scorer}")


def _scores(steps: Steps, reply: KnownStep, step: KnownStep) -> dict[str, Score]:
    """Scores by sample: those of the step, or of the first finished score step of the reply."""
    folders = (steps.store.root / "score").glob("*")
    ids = [step.id] if step.stage == "score" else sorted(folder.name for folder in folders)
    for name in ids:
        record = steps.store.record("score", name)
        if record is not None and record.needs.get("reply") == reply.path:
            path = steps.store.folder("score", name) / "scores.jsonl"
            return {score.sample: score for score in read_jsonl(path, Score)}
    return {}


def _asked(steps: Steps, reply: KnownStep, wanted: set[str]) -> dict[str, str]:
    """The text of the questions, which only the benchmark knows."""
    from mmprolong import plugins

    suite: dict[str, Any] = reply.settings.get("suite", {})
    benchmark = plugins.load("mmprolong.evaluation.benchmarks", suite.get("benchmark", "heldout"), "suite.benchmark")
    questions = benchmark.questions(steps.store.root / reply.needs["source"], suite.get("labels", []))
    return {
        one.sample.id: " ".join(_text(message) for message in one.prompt)
        for one in questions
        if one.sample.id in wanted
    }


def _text(message: Message) -> str:
    return " ".join(part for part in message.parts if isinstance(part, str))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text):,} characters)"


def _line(name: str, text: str) -> RenderableType:
    return Text.assemble((f"{name:<9} ", "dim"), visible(text))

"""`mmprolong corpus`, `synthesis` and `mixture`: the data of one configuration, made here and counted."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.table import Table

from mmprolong.cli.terminal import Terminal, histogram, number, rejects_table, span, table
from mmprolong.config.groups import ABLATION
from mmprolong.errors import ArtifactError, ConfigError, nearest
from mmprolong.records import Document, Example, Reject, Selected, images_of, read_jsonl
from mmprolong.store.atomic import read_json
from mmprolong.store.store import PROGRESS, Store

if TYPE_CHECKING:
    from mmprolong.pipeline.steps import Step
    from mmprolong.settings.knobs import Component, Config


def corpus(arguments: argparse.Namespace) -> None:
    """Read the PDFs of a pool; count pages and rejects."""
    console, run = Terminal(), _compose(arguments.overrides)
    roles = [role for role in ("corpus", "selection") if role in run.steps]
    folders = run.finish(roles, console)
    pages = {one.id: one.pages for one in read_jsonl(folders["corpus"] / "documents.jsonl", Document)}
    splits: dict[str, list[int]] = {"train": [], "heldout": [], "all": list(pages.values())}
    if "selection" in folders:
        for one in read_jsonl(folders["selection"] / "selected.jsonl", Selected):
            splits[one.split].append(pages[one.document])
    rows = [(name, len(of), sum(of), f"{median(of or [0]):g}", max(of, default=0)) for name, of in splits.items()]
    console.print(table("documents", ("split", "documents", "pages", "median pages", "longest"), rows))
    console.print(histogram("lengths", "pages", pages.values()))
    console.print(rejects_table(each for folder in folders.values() for each in _rejects(folder)))


def synthesis(arguments: argparse.Namespace) -> None:
    """Write the examples of a phase or of the suite, and count them."""
    console, run = Terminal(), _compose(arguments.overrides)
    if arguments.suite:
        sources = [each.source for each in run.config.suite.benchmarks.values() if each.source]
    else:
        sources = [part.source for part in run.components(arguments.phase).values()]
    for role, folder in run.finish([f"synthesis.{source}" for source in dict.fromkeys(sources)], console).items():
        pages: dict[str, list[int]] = {}
        questions: Counter[str] = Counter()
        for one in read_jsonl(folder / "examples.jsonl", Example):
            turns = next(iter(one.conversations.values()))
            pages.setdefault(one.task, []).append(sum(1 for _ in images_of(turns)))
            questions[one.task] += sum(turn.role == "user" for turn in turns)
        whole = [count for counts in pages.values() for count in counts]
        rows = [_example_row(task, pages[task], questions[task]) for task in sorted(pages)]
        columns = ("task", "examples", "questions", "images", "min / median / max")
        console.print(table(role, columns, [*rows, _example_row("all", whole, questions.total())]))
        console.print(histogram("lengths", "images", whole))
        console.print(rejects_table(_rejects(folder)))


def mixture(arguments: argparse.Namespace) -> None:
    """Count the tokens of a phase's examples, draw its mixture, and print its certificate."""
    console, run = Terminal(), _compose(arguments.overrides)
    sources = dict.fromkeys(part.source for part in run.components(arguments.phase).values())
    measured = [f"measurement.{source}" for source in sources]
    folders = run.finish([*measured, f"mixture.{arguments.phase}"], console)
    console.print(rejects_table(each for role in measured for each in _rejects(folders[role])))
    certificate = read_json(folders[f"mixture.{arguments.phase}"] / "certificate.json")
    console.print(_tasks(certificate))
    for name, part in certificate["components"].items():
        console.print(_lengths(name, part))
    capacity = run.config.phases[arguments.phase].mixture.sequence_length
    console.say(
        f"{certificate['packs']:,} packs of {capacity:,} tokens, {certificate['fill']:.1%} full; "
        f"{certificate['repeats']:,} repeats; {certificate['documents']:,} documents"
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """The steps of one configuration."""

    config: "Config"
    steps: Mapping[str, "Step"]
    """By role."""
    store: Store

    def components(self, phase: str) -> Mapping[str, "Component"]:
        """Return the components of a phase's mixture.

        Raises:
            ConfigError: there is no such phase, or the evaluated one does not need it.
        """
        if phase not in self.config.phases:
            raise ConfigError(f"--phase: {phase!r} is unknown; {nearest(phase, self.config.phases)}")
        if f"mixture.{phase}" not in self.steps:
            subject = self.config.suite.subject
            raise ConfigError(f"--phase: suite.subject={subject} does not need {phase!r}; add suite.subject={phase}")
        parts = self.config.phases[phase].mixture.components
        return {name: part for name, part in parts.items() if part.share > 0}

    def finish(self, roles: Sequence[str], console: Terminal) -> dict[str, Path]:
        """Run the steps of `roles` and all that they need, each once; returns the folders by role."""
        from mmprolong.pipeline.run import run_step
        from mmprolong.runtime.signals import interrupt_on_signals

        interrupt_on_signals()
        for step in self._needed(roles):
            if self.store.record(step.stage, step.id) is not None:
                console.say(f"{step.path}: finished before")
                continue
            progress = self.store.folder(step.stage, step.id) / PROGRESS
            with Live(console=console, get_renderable=lambda: _bar(step.path, progress), transient=True):  # noqa: B023
                record = run_step(self.store, step, self.config.tracking)
            console.say(f"{step.path}: {record.seconds:.1f} s")
        return {role: self.store.folder(self.steps[role].stage, self.steps[role].id) for role in roles}

    def _needed(self, roles: Sequence[str]) -> Iterator["Step"]:
        """Yield the steps of `roles` and those below them, each once, in an order in which they can run."""
        by_path = {step.path: step for step in self.steps.values()}
        wanted: set[str] = set()
        left = [self.steps[role].path for role in roles]
        while left:
            path = left.pop()
            if path not in wanted:
                wanted.add(path)
                left += by_path[path].needs.values()
        return (step for path, step in by_path.items() if path in wanted)


def _compose(overrides: Sequence[str]) -> _Run:
    """Compose `overrides` and plan their steps; nothing is run.

    Raises:
        ConfigError: an override is wrong, or names an ablation.
    """
    from mmprolong.config.compose import Composer
    from mmprolong.config.overrides import SWEEP, key_of
    from mmprolong.pipeline.steps import steps_of

    for text in overrides:
        if key_of(text).partition(".")[0] in (ABLATION, SWEEP):
            raise ConfigError(f"override {text!r}: this command runs one configuration; leave the ablation out")
    composer = Composer()
    config = composer.frozen(overrides)
    with composer.locating(overrides):
        return _Run(config, steps_of(config), Store(Path(config.paths.store)))


def _bar(name: str, progress: Path) -> Table:
    """Draw the progress of a step."""
    from mmprolong.sweep.view.console import bar, per_second

    try:
        at = read_json(progress)
    except ArtifactError:  # not there (yet)
        return bar(name, 0, 0, "starting")
    return bar(name, at["done"], at["total"], f"{at['unit']}, {per_second(at['rate'])}")


def _rejects(folder: Path) -> Iterator[Reject]:
    return read_jsonl(folder / "rejects.jsonl", Reject)


def _example_row(task: str, pages: Sequence[int], questions: int) -> tuple[object, ...]:
    each = " / ".join(number(value) for value in (min(pages), round(median(pages)), max(pages)))
    return task, len(pages), questions, sum(pages), each


def _tasks(certificate: Mapping[str, Any]) -> Table:
    whole = certificate["tokens"]
    rows: list[tuple[object, ...]] = []
    for name, part in certificate["components"].items():
        rows += [(f"{name}: {task}", *_row(of, whole)) for task, of in part["tasks"].items()]
        if len(certificate["components"]) > 1:
            rows.append((name, *_row(part, whole)))
    rows.append(("all", *_row(whole, whole)))
    return table("", ("tokens by task", "target", "actual", "examples", "share"), rows)


def _row(part: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[object, ...]:
    target = "" if part["target"] is None else part["target"]
    return target, part["actual"], part.get("examples", ""), f"{part['actual'] / max(whole['actual'], 1):.1%}"


def _lengths(name: str, part: Mapping[str, Any]) -> Table:
    columns = (f"{name}: examples of tokens", "target share", "share", "tokens", "examples")
    rows = [
        (span(of["from"], of["to"]), f"{of['target_share']:.1%}", f"{of['share']:.1%}", of["tokens"], of["examples"])
        for of in part["lengths"]
    ]
    return table("", columns, rows)

"""`mmprolong corpus`, `synthesis` and `mixture`: the data of one configuration, made here and counted."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from rich.live import Live

from mmprolong.cli.arguments import overrides, own_files
from mmprolong.cli.terminal import Terminal, histogram, rejects_table, span, table
from mmprolong.images.documents import Document, Selected
from mmprolong.images.pool_ledger import Totals
from mmprolong.mixture.certificate import length_rows, notes, task_rows
from mmprolong.records import Example, Reject
from mmprolong.selection.page_counts import count_pages
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store
from mmprolong.synthesis.shown_example import count_examples

if TYPE_CHECKING:
    from mmprolong.pipeline.steps import Step
    from mmprolong.settings.knobs import Config

_phase = click.option("--phase", default="longpt", show_default=True, help="Phase of the training.")


@click.command()
@overrides
@own_files
def corpus(overrides: tuple[str, ...]) -> None:
    """Read the PDFs of a pool, select; count documents and pages by their states."""
    console, run = Terminal(), _compose(overrides)
    roles = [role for role in ("corpus", "selection") if role in run.steps]
    folders = run.finish(roles, console)
    documents = read_jsonl(folders["corpus"] / "documents.jsonl", Document)
    selected = read_jsonl(folders["selection"] / "selected.jsonl", Selected) if "selection" in folders else ()
    rows, pages = count_pages(documents, selected)
    console.print(table("documents", ("split", "documents", "pages", "median pages", "longest"), rows))
    console.print(histogram("lengths", "pages", pages))
    console.print(rejects_table(each for folder in folders.values() for each in _rejects(folder)))
    last = folders[roles[-1]]
    console.print(table("ledger", ("state", "reason", "documents", "pages"), Totals.read(last).rows()))
    if (last / "certificate.json").exists():
        from mmprolong.selection.decontamination import recall_rows, summary

        certificate = read_json(last / "certificate.json")
        columns = ("leak", "planted", "found", "recall", "95% interval", "found by")
        console.print(table("planted leaks", columns, recall_rows(certificate)))
        console.say(summary(certificate))


@click.command()
@overrides
@_phase
@click.option("--suite", is_flag=True, help="What the suite asks about, not what a phase reads.")
@own_files
def synthesis(overrides: tuple[str, ...], phase: str, suite: bool) -> None:
    """Write the examples of a phase or of the suite, and count them."""
    console, run = Terminal(), _compose(overrides, "" if suite else phase)
    if suite:
        roles = [f"synthesis.{each.source}" for each in run.config.suite.benchmarks.values() if each.source]
    else:
        roles = [role for role in run.steps[f"training.{phase}"].needs if role.startswith("synthesis.")]
    for role, folder in run.finish(roles, console).items():
        rows, whole = count_examples(read_jsonl(folder / "examples.jsonl", Example))
        console.print(table(role, ("task", "examples", "questions", "images", "min / median / max"), rows))
        console.print(histogram("lengths", "images", whole))
        console.print(rejects_table(_rejects(folder)))


@click.command()
@overrides
@_phase
@own_files
def mixture(overrides: tuple[str, ...], phase: str) -> None:
    """Count the tokens of a phase's examples, draw its mixture, and print its certificate."""
    console, run = Terminal(), _compose(overrides, phase)
    measured = [role for role in run.steps[f"mixture.{phase}"].needs if role.startswith("measurement.")]
    folders = run.finish([*measured, f"mixture.{phase}"], console)
    console.print(rejects_table(each for role in measured for each in _rejects(folders[role])))
    certificate = read_json(folders[f"mixture.{phase}"] / "certificate.json")
    console.print(table("", ("tokens by task", "target", "actual", "examples", "share"), task_rows(certificate)))
    for name, part in certificate["components"].items():
        columns = (f"{name}: examples of tokens", "target share", "share", "tokens", "examples")
        console.print(table("", columns, [(span(low, high), *rest) for low, high, *rest in length_rows(part)]))
    for line in notes(certificate, run.config.phases[phase].mixture.sequence_length):
        console.say(line)


class StagedRun(NamedTuple):
    """The steps of one configuration."""

    config: "Config"
    steps: Mapping[str, "Step"]
    """By role."""
    store: Store

    def finish(self, roles: Sequence[str], console: Terminal) -> dict[str, Path]:
        """Run the steps of `roles` and all that they need, each once; returns the folders by role."""
        from mmprolong.pipeline.run import run_step
        from mmprolong.runtime.signals import interrupt_on_signals
        from mmprolong.sweep.state import running
        from mmprolong.sweep.view.console import progress_text

        interrupt_on_signals()
        wanted = {self.steps[role].path for role in roles}
        for step in reversed(list(self.steps.values())):
            wanted |= {*step.needs.values()} if step.path in wanted else set()
        for step in (step for step in self.steps.values() if step.path in wanted):
            if self.store.record(step.stage, step.id) is not None:
                console.say(f"{step.path}: finished before")
                continue

            def progress(path: str = step.path) -> str:
                return f"{path}: {progress_text(running(self.store.root / path))}"

            with Live(console=console, get_renderable=progress, transient=True):
                record = run_step(self.store, step, self.config.tracking)
            console.say(f"{step.path}: {record.seconds:.1f} s")
        return {role: self.store.folder(self.steps[role].stage, self.steps[role].id) for role in roles}


def _compose(overrides: Sequence[str], phase: str = "") -> StagedRun:
    """Compose `overrides` and plan their steps; nothing is run.

    Args:
        phase: whose steps are planned; empty: those of the phase that the suite judges.

    Raises:
        ConfigError: an override is wrong, or names an ablation.
    """
    from mmprolong.config.compose import Composer
    from mmprolong.config.overrides import refuse_ablation
    from mmprolong.sweep.planning import freeze

    refuse_ablation(overrides)
    config, steps = freeze([*overrides, *([f"suite.subject={phase}"] if phase else [])], Composer())
    return StagedRun(config, steps, Store(Path(config.paths.store)))


def _rejects(folder: Path) -> Iterator[Reject]:
    return read_jsonl(folder / "rejects.jsonl", Reject)

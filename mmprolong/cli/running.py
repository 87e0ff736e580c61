"""Some steps of one configuration, run in this process, with a bar for the step that runs."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from mmprolong.cli.terminal import Terminal
from mmprolong.config.groups import ABLATION
from mmprolong.errors import ArtifactError, ConfigError, nearest
from mmprolong.store.atomic import read_json
from mmprolong.store.store import PROGRESS, Store

if TYPE_CHECKING:
    from mmprolong.pipeline.steps import Step
    from mmprolong.settings.knobs import Config


@dataclass(frozen=True, slots=True)
class Asked:
    """What the overrides of a command stand for."""

    config: "Config"
    steps: Mapping[str, "Step"]
    """By role."""
    store: Store

    def folder(self, role: str) -> Path:
        """Where the step of a role keeps its files."""
        step = self.steps[role]
        return self.store.folder(step.stage, step.id)


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Choices and values of a run."""
    parser.add_argument("overrides", nargs="*", help="group=choice, key=value; without +ablation")


def add_phase(parser: argparse.ArgumentParser) -> None:
    """Which of the phases' steps."""
    parser.add_argument("--phase", default="longpt", help="phase of the training (default: longpt)")


def asked(overrides: Sequence[str]) -> Asked:
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
        return Asked(config, steps_of(config), Store(Path(config.paths.store)))


def phase_roles(asked: Asked, phase: str, *stages: str) -> list[str]:
    """Those of the roles `<stage>.<phase>` that the configuration has.

    Raises:
        ConfigError: there is no such phase, or what is judged does not need it.
    """
    if phase not in asked.config.phases:
        raise ConfigError(f"--phase: {phase!r} is unknown; {nearest(phase, asked.config.phases)}")
    if f"mixture.{phase}" not in asked.steps:
        subject = asked.config.suite.subject
        raise ConfigError(f"--phase: suite.subject={subject} does not need {phase!r}; add suite.subject={phase}")
    return [role for stage in stages if (role := f"{stage}.{phase}") in asked.steps]


def finish(asked: Asked, roles: Sequence[str], console: Terminal) -> None:
    """Run the steps of `roles` and all that they need, each once; finished ones are not repeated."""
    from mmprolong.pipeline.run import run_step

    for step in _needed(asked.steps, roles):
        if asked.store.record(step.stage, step.id) is not None:
            console.print(f"{step.path}: finished before", soft_wrap=True)
            continue
        with _shown(asked.store, step, console):
            record = run_step(asked.store, step, asked.config.tracking)
        console.print(f"{step.path}: {record.seconds:.1f} s", soft_wrap=True)


def _needed(steps: Mapping[str, "Step"], roles: Sequence[str]) -> Iterator["Step"]:
    """The steps of `roles` and those below them, in the order of the plan, each once."""
    by_path = {step.path: step for step in steps.values()}
    wanted: set[str] = set()
    open_paths = [steps[role].path for role in roles]
    while open_paths:
        path = open_paths.pop()
        if path not in wanted:
            wanted.add(path)
            open_paths += by_path[path].needs.values()
    return (step for path, step in by_path.items() if path in wanted)


def _shown(store: Store, step: "Step", console: Terminal) -> Live:
    """A bar that reads how far the step says it is."""
    path = store.folder(step.stage, step.id) / PROGRESS
    return Live(
        console=console,
        get_renderable=lambda: progress_bar(step.path, _progress(path)),
        refresh_per_second=4,
        transient=True,
    )


def progress_bar(name: str, at: Mapping[str, Any]) -> RenderableType:
    """Name, bar, what is done of what, rate, time left."""
    done, total, rate = at.get("done", 0), at.get("total", 0), at.get("rate", 0.0)
    row = Table.grid(padding=(0, 1))
    row.add_column(overflow="ellipsis", no_wrap=True)
    bar = ProgressBar(total=max(total, 1), completed=done, width=24, pulse=not at)
    if not at:
        row.add_row(name, bar, "starting")
        return row
    left = f"{(total - done) / rate:.0f} s left" if rate and total > done else ""
    row.add_row(name, bar, f"{done}/{total} {at.get('unit', '')}", f"{rate:.1f}/s", left)
    return row


def _progress(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except ArtifactError:  # not there (yet)
        return {}

"""`mmprolong export-data`: a mixture for users who train with something else."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.live import Live
from rich.table import Table

from mmprolong import plugins
from mmprolong.cli.arguments import point_or_step, stored
from mmprolong.cli.lookup import Steps
from mmprolong.cli.terminal import Terminal, rejects_table
from mmprolong.errors import ConfigError, StepFailed
from mmprolong.pipeline.plan import load_plan, planned
from mmprolong.pipeline.steps import make_step, stage_of
from mmprolong.settings.execution import Tracking
from mmprolong.settings.stages import MeasurementSettings, RenderSettings
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.mixture.image_export import Drawing

_FORMATS = "mmprolong.mixture.formats"


def formats() -> list[str]:
    """Return the names of the formats as they are typed."""
    return [name.replace("_", "-") for name in plugins.names_in(_FORMATS)]


@click.command("export-data")
@point_or_step("step")
@click.option("--format", "trainer", required=True, type=click.Choice(formats()), help="The trainer.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="Empty, or of the same export."
)
@click.option("--model", default="", help="Folder or hub name of the model [default: as planned].")
@stored
def export_data(step: str, trainer: str, out: Path, model: str, store: Store) -> None:
    """Write a mixture, and the pages that it shows, for another trainer.

    STEP is a mixture's id, or ABLATION[/ARM[/SEED]].
    """
    from mmprolong.mixture.export import Request, export
    from mmprolong.runtime.signals import interrupt_on_signals

    interrupt_on_signals()
    console, steps = Terminal(), Steps(store)
    root, mixture = steps.store.root, _mixture(steps, step)
    measured = [steps.get(path) for role, path in mixture.needs.items() if stage_of(role) == "measurement"]
    sources = [steps.get(one.needs["synthesis"]) for one in measured]
    for each in (mixture, *measured, *sources):
        if store.verified(each.stage, each.id) is None:
            raise StepFailed(f"{each.path}: not finished; run it first")
    with console.status("thumbnails"):
        drawing = _drawing(store, measured[0], model)
    request = Request(
        mixture=mixture.path,
        packs=root / mixture.path / "packs.jsonl",
        sources=[root / each.path / "examples.jsonl" for each in sources],
        drawing=drawing,
        sequence_length=mixture.all_settings["mixture"]["sequence_length"],
        format=trainer.replace("-", "_"),
    )
    progress = _Progress()
    with Live(console=console, get_renderable=progress.bar, transient=True):
        lines, rejects = export(request, out, progress.tell)
    console.print(rejects_table(rejects))
    tokens, left = sum(line.tokens for line in lines), len(rejects)
    console.say(f"{len(lines):,} conversations of {tokens:,} tokens in {out}, {left:,} examples left out")
    console.say(f"settings for the trainer: {out / 'README.md'}")


class _Progress:
    """How far counting or drawing is, since when."""

    def __init__(self) -> None:
        self._at = (0, 0, "")
        self._first = (0.0, 0)

    def tell(self, done: int, total: int, unit: str) -> None:
        """Note it."""
        if unit != self._at[2]:
            self._first = (time.monotonic(), done)
        self._at = (done, total, unit)

    def bar(self) -> Table:
        """Draw it, with rate and time left."""
        from mmprolong.sweep.view.console import bar, duration, per_second

        (done, total, unit), (started, base) = self._at, self._first
        rate = (done - base) / max(time.monotonic() - started, 1e-9)
        left = f", {duration((total - done) / rate)} left" if rate else ""
        return bar("export-data", done, total, f"{unit}, {per_second(rate)}{left}")


def _mixture(steps: Steps, text: str) -> RunRecord:
    """Return the mixture that a step is, or is trained on."""
    found = steps.find(text)
    if found.stage == "training":
        found = steps.get(found.needs["mixture"])
    if found.stage != "mixture":
        raise ConfigError(f"{found.path}: a {found.stage} step; give a mixture, or what is trained on one")
    return found


def _drawing(store: Store, measured: RunRecord, model: str) -> "Drawing":
    """Return how the images of a mixture are drawn; draws the thumbnails that stamps are printed on, if there are any.

    Args:
        model: folder or hub name of the model; empty: as planned.
    """
    from mmprolong.mixture.image_export import Drawing
    from mmprolong.pipeline.run import run_step

    settings, corpus = _settings(store, measured), measured.needs["corpus"]
    inputs = {"corpus": str((store.root / corpus).resolve())}
    if settings.view.thumbnail:
        stamped = RenderSettings(settings.view.renderer, settings.view.thumbnail, settings.corpus)
        step = make_step("render", f"thumbnails-{settings.view.thumbnail}", stamped, {"corpus": corpus})
        run_step(store, step, Tracking(mode="off"))
        inputs["render"] = str((store.root / step.path).resolve())
    return Drawing(
        view=settings.view,
        corpus=settings.corpus,
        inputs=inputs,
        backbone=settings.backbone,
        model_path=model or settings.model_path,
    )


def _settings(store: Store, measured: RunRecord) -> MeasurementSettings:
    """Return the settings of a measurement as planned; of one that no plan has, without those that are no identity."""
    for name in planned(store):
        if step := load_plan(store, name).steps.get(measured.id):
            return msgspec.convert(step.settings, MeasurementSettings)
    return msgspec.convert(_without_versions(measured.all_settings), MeasurementSettings)


def _without_versions(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings whose plug-ins are choices again."""
    kept = {key: value for key, value in settings.items() if key != "version"}
    return {key: _without_versions(value) if isinstance(value, dict) else value for key, value in kept.items()}

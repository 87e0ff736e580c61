"""`mmprolong export-data`: a mixture for users who train with something else."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mmprolong import plugins
from mmprolong.cli.arguments import stored
from mmprolong.cli.lookup import Steps
from mmprolong.cli.terminal import Terminal, rejects_table
from mmprolong.errors import ConfigError, StepFailed
from mmprolong.pipeline.plan import load_plan, planned
from mmprolong.pipeline.steps import make_step, stage_of
from mmprolong.settings.execution import Tracking
from mmprolong.settings.fields import without_versions
from mmprolong.settings.stages import MeasurementSettings, RenderSettings
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.mixture.image_export import Drawing

_FORMATS = [name.replace("_", "-") for name in plugins.names_in("mmprolong.mixture.formats")]


@click.command("export-data")
@click.argument("step")
@click.option("--format", "trainer", required=True, type=click.Choice(_FORMATS), help="The trainer.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="Empty, or of the same export."
)
@click.option("--model", default="", help="Folder or hub name of the model [default: as planned].")
@stored
def export_data(step: str, trainer: str, out: Path, model: str, store: Store) -> None:
    """Write a mixture, and the pages that it shows, for another trainer.

    STEP is a mixture's id, or ABLATION[/ARM[/SEED]].
    """
    from mmprolong.mixture.export import ExportRequest, export
    from mmprolong.runtime.signals import interrupt_on_signals

    interrupt_on_signals()
    console, steps = Terminal(), Steps(store)
    mixture = steps.find(step)
    if mixture.stage != "mixture":
        raise ConfigError(f"{mixture.path}: a {mixture.stage} step; give a mixture")
    measured = [steps.get(path) for role, path in mixture.needs.items() if stage_of(role) == "measurement"]
    sources = [steps.get(one.needs["synthesis"]) for one in measured]
    for each in (mixture, *measured, *sources):
        if store.verified(each.stage, each.id) is None:
            raise StepFailed(f"{each.path}: not finished; run it first")
    with console.status("thumbnails"):
        drawing = _drawing(store, measured[0], model)
    request = ExportRequest(
        mixture=mixture.path,
        packs=store.root / mixture.path / "packs.jsonl",
        sources=[store.root / each.path / "examples.jsonl" for each in sources],
        drawing=drawing,
        sequence_length=mixture.all_settings["mixture"]["sequence_length"],
        format=trainer.replace("-", "_"),
    )
    with console.status("export") as shown:
        lines, rejects = export(request, out, lambda done, total, unit: shown.update(f"{done:,} of {total:,} {unit}"))
    console.print(rejects_table(rejects))
    tokens, left = sum(line.tokens for line in lines), len(rejects)
    console.say(f"{len(lines):,} conversations of {tokens:,} tokens in {out}, {left:,} examples left out")
    console.say(f"settings for the trainer: {out / 'README.md'}")


def _drawing(store: Store, measured: RunRecord, model: str) -> "Drawing":
    """Return how the images of a mixture are drawn; draws the thumbnails that stamps are printed on, if there are any.

    Args:
        model: folder or hub name of the model; empty: as planned.
    """
    from mmprolong.mixture.image_export import Drawing
    from mmprolong.pipeline.run import run_step

    # of a measurement that no plan has, what is no identity (the pool's path) is at its default
    plans = (load_plan(store, name) for name in planned(store))
    plain = next((plan.steps[measured.id].settings for plan in plans if measured.id in plan.steps), None)
    settings = msgspec.convert(plain or without_versions(measured.all_settings), MeasurementSettings)
    corpus = measured.needs["corpus"]
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

"""`mmprolong browse`: the data of a step as one HTML file."""

from pathlib import Path

import click

from mmprolong.cli.arguments import stored
from mmprolong.cli.lookup import Steps, is_finished
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import StepFailed
from mmprolong.store.atomic import write_file
from mmprolong.store.store import Store

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("what")
@click.option("--out", type=_PATH, help="The HTML file [default: reports/data/STEP.html in the store].")
@click.option("--figures", type=_PATH, help="Folder into which the figures are written, too, as PNG and SVG.")
@click.option("-n", "number", type=click.IntRange(1, 60), default=40, show_default=True, help="Examples, or documents.")
@click.option("--seed", default=0, show_default=True, help="Which sample is drawn.")
@click.option("--image-root", default="", help="Folder of the image sets that examples show.")
@stored
def browse(
    what: str, out: Path | None, figures: Path | None, number: int, seed: int, image_root: str, store: Store
) -> None:
    """Write figures of a pool or a mixture, and a sample of it with its pages, as one HTML file.

    WHAT is a corpus, selection, synthesis, measurement or mixture step, or ABLATION[/ARM[/SEED]].
    """
    from mmprolong.browser.data_steps import data_step
    from mmprolong.browser.page import data_figures, data_page
    from mmprolong.reporting.figures.charts import save

    step = Steps(store).find(what)
    if not is_finished(step):
        raise StepFailed(f"{step.path}: not finished, nothing to show; mmprolong status says where it stands")
    console, target = Terminal(), out or store.root / "reports" / "data" / f"{step.id}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    with console.status(f"drawing {step.path}"):
        content = data_page(store, step, number, seed, image_root)
        write_file(target, content)
    console.say(f"{target}: {len(content) / 1e6:.1f} MB")
    if figures:
        figures.mkdir(parents=True, exist_ok=True)
        for name, figure in data_figures(data_step(store, step)):
            save(figure, figures / name)
        console.say(f"{figures}: PNG and SVG")

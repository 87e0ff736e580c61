"""Arguments and options of several commands, and the words with which a shell completes them."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click

from mmprolong.cli.lookup import step_folders
from mmprolong.config.groups import ABLATION, CONFIG_DIR, OPTION, config_dir, groups
from mmprolong.pipeline.plan import load_plan, planned
from mmprolong.store.store import Store


def _launched(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    return _beginning(begun, planned(context.params["store"]))


def _steps(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    paths = step_folders(context.params["store"])
    return _beginning(begun, paths if "/" in begun else (path.partition("/")[2] for path in paths))


def _points_and_steps(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    store, ablation = context.params["store"], begun.partition("/")[0]
    labels = load_plan(store, ablation).labels if "/" in begun and ablation in planned(store) else ()
    points = _beginning(begun, (*planned(store), *(f"{ablation}/{label}" for label in labels)))
    return points + _steps(context, parameter, begun)


def _overrides(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    before = [*context.params["overrides"]]
    if before[-1:] == ["="]:  # bash parts words there, and completes what follows
        return _beginning(begun, groups().get(before[-2].lstrip("+"), ()))
    from mmprolong.settings.knobs import Config

    chosen = [f"{'+' * (group == ABLATION)}{group}={name}" for group, names in groups().items() for name in names]
    blocks = [block for block in fields(Config) if is_dataclass(block.type)]
    keys = [f"{block.name}.{entry.name}=" for block in blocks for entry in fields(block.type)]  # pyright: ignore
    return _beginning(begun, (*chosen, *keys, "seed="))


def _beginning(begun: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(begun)]


def _use_own_files(context: click.Context, _: click.Parameter, folder: str | None) -> None:
    if folder:
        context.with_resource(config_dir(folder))


own_files = click.option(
    OPTION,
    metavar="DIR",
    expose_value=False,
    is_eager=True,
    callback=_use_own_files,
    help=f"Folder of your own conf/, sweeps/ and analysis/, added to ours [default: ${CONFIG_DIR}].",
)
_store = click.option(
    "--store",
    metavar="DIR",
    default="store",
    show_default=True,
    is_eager=True,
    callback=lambda _, __, folder: Store(Path(folder)),
    help="Folder of finished steps.",
)
json_output = click.option("--json", "as_json", is_flag=True, help="Print JSON instead, and write no file.")
launched = click.argument("ablation", shell_complete=_launched)
perhaps_launched = click.argument("ablation", required=False, shell_complete=_launched)
overrides = click.argument("overrides", nargs=-1, shell_complete=_overrides)
step = click.argument("step", shell_complete=_steps)


def point_or_step(name: str) -> Any:
    """Declare an argument that names a step, or a point of an ablation."""
    return click.argument(name, shell_complete=_points_and_steps)


def stored(command: Any) -> Any:
    """Give a command the store that it looks into, and the user's own files."""
    return _store(own_files(command))

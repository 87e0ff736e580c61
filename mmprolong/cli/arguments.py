"""Arguments and options of several commands, and the words with which a shell completes them."""

from pathlib import Path
from typing import Any

import click

from mmprolong.config.groups import ABLATION, CONFIG_DIR, OPTION, config_dir, groups
from mmprolong.pipeline.plan import planned
from mmprolong.store.store import Store


def _launched(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    return [name for name in planned(context.params["store"]) if name.startswith(begun)]


def _overrides(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    before = [*context.params["overrides"]]
    words = (f"{'+' * (group == ABLATION)}{group}={name}" for group, names in groups().items() for name in names)
    if before[-1:] == ["="]:  # bash parts words there, and completes what follows
        words = iter(groups().get(before[-2].lstrip("+"), ()))
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


def stored(command: Any) -> Any:
    """Give a command the store that it looks into, and the user's own files."""
    return _store(own_files(command))
